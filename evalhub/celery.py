"""The Celery application. A message names a row to look at; the database is the only truth."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")

app = Celery("evalhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# It warns of workers that run as root. In a container that is the rule, and messages are JSON, not pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)


@setup_logging.connect
def keep_logging_of_settings(**_: object) -> None:
    """Celery sets up logging of its own unless somebody answers this signal."""
