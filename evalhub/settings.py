"""Every setting, read from the environment in this one place. Nonsense is refused at start.

EVALHUB_ENV                  development (default) or production
EVALHUB_HOME                 the data folder; default: .evalhub beside manage.py
DATABASE_URL, REDIS_URL      replace the embedded PostgreSQL and Redis
EVALHUB_SECRET_KEY           signs sessions; made and kept in the data folder in development
EVALHUB_ENCRYPTION_KEYS      encrypt endpoint keys: Fernet keys, newest first, separated by commas; likewise
EVALHUB_HOST, EVALHUB_PORT   where manage.py serve listens; default 127.0.0.1 and 8000, port 0 is any free one
EVALHUB_ALLOWED_HOSTS        host names under which the pages are served, separated by commas
EVALHUB_DEBUG                true or false (default)
EVALHUB_PRIVATE_ENDPOINTS    hosts on private addresses that endpoints may name, separated by commas: name, name:port or
                             “*” for any; default in development: 127.0.0.1 and localhost
EVALHUB_PUBLIC_URL           where people reach the pages, such as https://evalhub.example: links in notices begin with
                             it; default: the first of EVALHUB_ALLOWED_HOSTS
EVALHUB_EMAIL_URL            the mail server: smtp+tls://user:password@host:587, smtps:// or, without TLS, smtp://;
                             none: no e-mail is sent
EVALHUB_EMAIL_FROM           the sender of e-mail; default evalhub@ the host of EVALHUB_PUBLIC_URL
EVALHUB_UPLOAD_LIMIT_MB      the largest file one may upload; default 512
EVALHUB_TIME_ZONE            the zone in which times are shown; default UTC
EVALHUB_LOG_LEVEL            DEBUG, INFO (default), WARNING or ERROR
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from evalhub.serving.mail_server import MailServer, mail_server_at
from evalhub.serving.places import embedded_database_url, embedded_redis_url, home_from_environment
from evalhub.serving.secrets import read_or_make_secrets

django_stubs_ext.monkeypatch()  # lets ModelForm[Project] and the like be written without quotes

BASE_DIR = Path(__file__).resolve().parent.parent


def one_of(name: str, default: str, *allowed: str) -> str:
    value = os.environ.get(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not understood. Use {' or '.join(allowed)}.")
    return value


def whole_number(name: str, default: int, low: int, high: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name}={value!r} is not understood. Use a whole number from {low} to {high}.")
    return int(value)


def required_in_production(name: str, default: str) -> str:
    value = os.environ.get(name, "" if PRODUCTION else default)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Production needs it; see the list in evalhub/settings.py.")
    return value


def public_url() -> str:
    """Without a slash at the end."""
    here = f"http://127.0.0.1:{SERVE_PORT}"
    value = os.environ.get("EVALHUB_PUBLIC_URL") or (f"https://{ALLOWED_HOSTS[0].lstrip('.')}" if PRODUCTION else here)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ImproperlyConfigured(f"EVALHUB_PUBLIC_URL={value!r} is not understood. Write it as https://host.")
    return value.rstrip("/")


def mail_server() -> MailServer:
    try:
        return mail_server_at(os.environ.get("EVALHUB_EMAIL_URL", ""))
    except ValueError as error:
        raise ImproperlyConfigured(f"EVALHUB_EMAIL_URL is not understood. {error}") from None


def broker_url(redis_url: str) -> str:
    """The same Redis in Celery's spelling, which for a socket has other words: “db=1” would be read as number 0."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


PRODUCTION = one_of("EVALHUB_ENV", "development", "development", "production") == "production"
DEBUG = one_of("EVALHUB_DEBUG", "false", "true", "false") == "true"
EVALHUB_HOME = home_from_environment()

_made = {"secret_key": "", "encryption_keys": ""} if PRODUCTION else read_or_make_secrets(EVALHUB_HOME)
SECRET_KEY = required_in_production("EVALHUB_SECRET_KEY", _made["secret_key"])
ENCRYPTION_KEYS = required_in_production("EVALHUB_ENCRYPTION_KEYS", _made["encryption_keys"]).split(",")
DATABASE_URL = required_in_production("DATABASE_URL", embedded_database_url(EVALHUB_HOME))
REDIS_URL = required_in_production("REDIS_URL", embedded_redis_url(EVALHUB_HOME))
ALLOWED_HOSTS = required_in_production("EVALHUB_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
PRIVATE_ENDPOINTS = os.environ.get("EVALHUB_PRIVATE_ENDPOINTS", "" if PRODUCTION else "127.0.0.1,localhost").split(",")
SERVE_HOST = os.environ.get("EVALHUB_HOST") or "127.0.0.1"
SERVE_PORT = whole_number("EVALHUB_PORT", 8000, 0, 65_535)
UPLOAD_LIMIT_BYTES = whole_number("EVALHUB_UPLOAD_LIMIT_MB", 512, 1, 65_536) * 1024 * 1024

PUBLIC_URL = public_url()
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("EVALHUB_DEBUG=true shows settings to visitors. Leave it out in production.")
if PRODUCTION and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("EVALHUB_ALLOWED_HOSTS=* lets anyone forge links. Name the hosts.")
if PRODUCTION and (len(SECRET_KEY) < 50 or SECRET_KEY in ENCRYPTION_KEYS):
    raise ImproperlyConfigured(
        "EVALHUB_SECRET_KEY is too short or equals an encryption key. Use 50 random characters of its own."
    )

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "django_structlog",
    "csp",
    "evalhub.serving",
    "evalhub.web",
    "evalhub.projects",
    "evalhub.exports",
    "evalhub.evalsets",
    "evalhub.candidates",
    "evalhub.runs",
    "evalhub.checks",
    "taxonomy",
    "reviews",
    "evalhub.api",
    "demo",
]
MIDDLEWARE = [
    "evalhub.api.middleware.JsonFaultMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evalhub.web.middleware.HtmxAnswerMiddleware",
    "evalhub.web.middleware.NoStoreMiddleware",
    "evalhub.web.middleware.MethodPageMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
ROOT_URLCONF = "evalhub.urls"
WSGI_APPLICATION = "evalhub.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evalhub.projects.context.here",
            ],
            "builtins": ["evalhub.web.templatetags.ui", "django_htmx.templatetags.django_htmx"],
        },
    },
]

# A connection that a restart of the database broke is replaced when it is next wanted, not shown to anybody.
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://. EvalHub stands on PostgreSQL only.")
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    # Who waited for five seconds in vain is told so, and the next one begins anew with trying. Else each try would come
    # twice as late as the one before: after a minute without a database, pages would be without it for another.
    "pool": {"min_size": 0, "max_size": 12, "timeout": 5, "reconnect_timeout": 5},
    # For cursors that bind on the server, which Django's own are not: see reviews.rows.
    "prepare_threshold": 5,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

MAIL_SERVER = mail_server()
EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.backend, MAIL_SERVER.host, MAIL_SERVER.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT = MAIL_SERVER.starts_tls, MAIL_SERVER.is_tls, 10
DEFAULT_FROM_EMAIL = os.environ.get("EVALHUB_EMAIL_FROM") or f"EvalHub <evalhub@{urlsplit(PUBLIC_URL).hostname}>"

AUTH_USER_MODEL = "projects.User"
LOGIN_URL = "projects:sign_in"
LOGIN_REDIRECT_URL = "projects:list"
LOGOUT_REDIRECT_URL = "projects:sign_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("EVALHUB_TIME_ZONE", "UTC")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured(f"EVALHUB_TIME_ZONE={TIME_ZONE!r} is not understood. Use a name such as Europe/Berlin.")
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = EVALHUB_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Uploaded files: never served by address, only read by tasks.
MEDIA_ROOT = EVALHUB_HOME / "files"
FILE_UPLOAD_HANDLERS = ["evalhub.evalsets.upload_handler.LimitedUploadHandler"]
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "img-src": [SELF, "data:"],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SESSION_COOKIE_NAME = "__Host-sessionid" if PRODUCTION else "evalhub_session"
CSRF_COOKIE_NAME = "__Host-csrftoken" if PRODUCTION else "evalhub_csrf"
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# Whatever watches EvalHub asks from beside it, without the proxy.
SECURE_REDIRECT_EXEMPT = ["^health/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
CSRF_FAILURE_VIEW = "evalhub.web.views.csrf_failure"

CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    # Redelivery of a lost worker's message would wait about 100 s with the defaults.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 5,
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "work"
# Calls wait for endpoints, work uses the processor, and neither may hold up the sweeper.
CELERY_TASK_ROUTES = {
    "evalhub.runs.tasks.execute_chunks_task": {"queue": "calls"},
    "evalhub.runs.tasks.sweep_runs_task": {"queue": "sweep"},
    "evalhub.evalsets.tasks.sweep_uploads_task": {"queue": "sweep"},
    "evalhub.checks.tasks.sweep_scores_task": {"queue": "sweep"},
    "evalhub.exports.tasks.sweep_exports_task": {"queue": "sweep"},
    "taxonomy.tasks.sweep_findings_task": {"queue": "sweep"},
}
CELERY_BEAT_SCHEDULE = {
    "sweep runs": {"task": "evalhub.runs.tasks.sweep_runs_task", "schedule": 15, "options": {"expires": 15}},
    "sweep uploads": {"task": "evalhub.evalsets.tasks.sweep_uploads_task", "schedule": 15, "options": {"expires": 15}},
    "sweep scores": {"task": "evalhub.checks.tasks.sweep_scores_task", "schedule": 15, "options": {"expires": 15}},
    "sweep exports": {"task": "evalhub.exports.tasks.sweep_exports_task", "schedule": 15, "options": {"expires": 15}},
    "sweep findings": {"task": "taxonomy.tasks.sweep_findings_task", "schedule": 15, "options": {"expires": 15}},
    "sweep notices": {"task": "reviews.tasks.sweep_notices_task", "schedule": 30, "options": {"expires": 30}},
}
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: the schedule above is all there is to remember

# Wiring by name, since imports point down only.
# Called with a new project.
AFTER_FOUNDING = ["taxonomy.types.starters.add_starter_taxonomy"]
# Tasks sent with a run's id when outputs of it were stored.
AFTER_OUTPUTS = ["evalhub.checks.tasks.score_run_task"]
# Called with a check that was added, and the one that it replaces, if any.
AFTER_CHECKS = ["taxonomy.meanings.defaults.mean_by_default"]
# Tasks sent with a run's id when scores of it were stored, or a check of it was retired.
AFTER_SCORES = ["taxonomy.tasks.find_by_checks_task"]
# What “manage.py rotate_keys” calls: each encrypts the secrets of one table with the newest encryption key.
ROTATIONS = ["evalhub.candidates.keys.rotate_endpoint_keys", "reviews.notices.signing.rotate_secrets"]
# What an upload's rows become: for each purpose the class that checks and stores them.
UPLOAD_IMPORTS = {
    "examples": "evalhub.evalsets.importing.ExamplesImport",
    "production_samples": "evalhub.evalsets.importing.ProductionSamplesImport",
    "outputs": "evalhub.runs.importing.OutputsImport",
    "labels": "reviews.importing.labels.LabelsImport",
}
# What narrows outputs that lie further up than who counts them: the name of a round and its outputs, and which rounds
# there are.
OUTPUT_NARROWINGS = {
    "round": "reviews.rounds.narrowed.outputs_of_round",
    "rounds": "reviews.rounds.narrowed.rounds_with",
}
# What people said is known above the taxonomy: who said it of a settled output, how much of it carries certain error
# types, and what somebody has yet to say something of. Lists of outputs that are no export, of which a review round
# can be made all the same.
WHO_SETTLED = "reviews.verdicts.people_behind"
SAID_WITH_TYPES = "reviews.carrying.said_with_types"
OUTPUTS_UNSAID = "reviews.carrying.outputs_unsaid_by"
OUTPUT_LISTS = {"error_type_outputs": "taxonomy.types.outputs.TypeOutputs"}
# What can be exported: for each kind of rows the class that knows its filters and columns.
EXPORTS = {
    "examples": "evalhub.evalsets.exporting.ExamplesExport",
    "production_samples": "evalhub.evalsets.exporting.ProductionSamplesExport",
    "outputs": "evalhub.runs.exporting.OutputsExport",
    "scores": "evalhub.checks.exporting.ScoresExport",
    "verdicts": "taxonomy.exporting.VerdictsExport",
    "labels": "reviews.exporting.labels.LabelsExport",
}

# Tells a report which review rounds its figures rest on: runs in, JSON-able rows out.
ROUNDS_BEHIND_REPORTS = "reviews.rounds.reporting.rounds_behind"

LOG_LEVEL = one_of("EVALHUB_LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "evalhub.serving.logs.line_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "celery": {"level": "WARNING"},
        # It binds request and user to every line; what went wrong is told by django.request.
        "django_structlog": {"level": "CRITICAL"},
    },
}
