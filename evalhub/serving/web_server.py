"""How gunicorn serves EvalHub: its configuration file, named by ``evalhub.serving.stack``.

Threads, since a view waits for the database most of its time; two processes, so that one slow page does not hold up
all others. Settings that are plain names here are gunicorn's.
"""

from __future__ import annotations

import os
import signal
import threading
from importlib import import_module

from gunicorn.glogging import Logger

from evalhub.serving.launch import die_with_parent


class LineLogger(Logger):
    """One line an event, in the manner of ``evalhub.serving.logs``."""

    error_fmt = "%(levelname)s gunicorn: %(message)s"


def post_worker_init(_worker: object) -> None:
    # Intervals need it, its import takes a second, and the first page that shows one would wait that long.
    threading.Thread(target=import_module, args=["scipy.stats"], daemon=True).start()


def post_fork(_server: object, _worker: object) -> None:
    die_with_parent(signal.SIGKILL)


wsgi_app = "evalhub.wsgi"
preload_app = True  # loaded once for both; nothing is connected while it loads
worker_class = "gthread"
workers = 2
threads = 8
graceful_timeout = 8
keepalive = 15
limit_request_line = 8190
logger_class = LineLogger
loglevel = "info" if os.environ.get("EVALHUB_LOG_LEVEL") == "DEBUG" else "warning"
accesslog = "-" if os.environ.get("EVALHUB_LOG_LEVEL") == "DEBUG" else None
# Else gunicorn would open a socket for remote control in the user's home.
control_socket_disable = True
