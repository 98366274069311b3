"""The Celery application. A message names a row to look at; the database is the only truth."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_init, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")

app = Celery("evalhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# It warns of workers that run as root. In a container that is the rule, and messages are JSON, not pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)


@setup_logging.connect
def keep_logging_of_settings(**_: object) -> None:
    """Celery sets up logging of its own unless somebody answers this signal."""


main_process: int | None = None


@worker_init.connect
def note_main_process(**_: object) -> None:
    global main_process
    main_process = os.getpid()


@worker_process_init.connect
def end_with_main_process(**_: object) -> None:
    """Celery has the kernel end this process with the worker's main process, which may have ended before it asked."""
    if main_process not in {None, os.getpid(), os.getppid()}:  # ourselves in a pool without processes
        os._exit(1)
