"""Settings refuse nonsense at start, with one sentence that says what to do."""

import pytest
from cryptography.fernet import Fernet

from tests.serving.test_serve import manage

PRODUCTION = {
    "EVALHUB_ENV": "production",
    "EVALHUB_SECRET_KEY": "an example of fifty characters, with digits: 0123456789",
    "EVALHUB_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "EVALHUB_ALLOWED_HOSTS": "evalhub.example",
    "DATABASE_URL": "postgresql://evalhub@database.example/evalhub",
    "REDIS_URL": "redis://broker.example/0",
}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("EVALHUB_ENV", "prod", "EVALHUB_ENV='prod' is not understood. Use development or production."),
        ("EVALHUB_DEBUG", "yes", "EVALHUB_DEBUG='yes' is not understood. Use true or false."),
        ("EVALHUB_PORT", "http", "EVALHUB_PORT='http' is not understood. Use a whole number from 0 to 65535."),
        ("EVALHUB_PORT", "-1", "EVALHUB_PORT='-1' is not understood. Use a whole number from 0 to 65535."),
        (
            "EVALHUB_UPLOAD_LIMIT_MB",
            "0",
            "EVALHUB_UPLOAD_LIMIT_MB='0' is not understood. Use a whole number from 1 to 65536.",
        ),
        (
            "EVALHUB_TIME_ZONE",
            "Berlin",
            "EVALHUB_TIME_ZONE='Berlin' is not understood. Use a name such as Europe/Berlin.",
        ),
        (
            "EVALHUB_LOG_LEVEL",
            "loud",
            "EVALHUB_LOG_LEVEL='loud' is not understood. Use DEBUG or INFO or WARNING or ERROR.",
        ),
        (
            "EVALHUB_EMAIL_URL",
            "smtp://evalhub:secret",
            "EVALHUB_EMAIL_URL is not understood. Write smtp://, smtp+tls:// or smtps://, then "
            "user:password@host:port, percent-encoded.",
        ),
        (
            "EVALHUB_PUBLIC_URL",
            "evalhub.example",
            "EVALHUB_PUBLIC_URL='evalhub.example' is not understood. Write it as https://host.",
        ),
        (
            "DATABASE_URL",
            "mysql://localhost/evalhub",
            "DATABASE_URL must begin with postgresql://. EvalHub stands on PostgreSQL only.",
        ),
        (
            "EVALHUB_HOME",
            "/proc/evalhub",
            "The data folder /proc/evalhub cannot be made: No such file or directory. Choose another one with "
            "EVALHUB_HOME.",
        ),
    ],
)
def test_nonsense_is_refused(home, name, value, sentence):
    refused = manage(home, "check", **{name: value})

    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", f"{sentence}\n")


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"EVALHUB_ENV"}))
def test_production_makes_nothing_up(home, name):
    refused = manage(home, "check", **(PRODUCTION | {name: ""}))

    assert refused.returncode == 1
    assert refused.stderr == f"{name} is not set. Production needs it; see the list in evalhub/settings.py.\n"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EVALHUB_DEBUG", "true", "EVALHUB_DEBUG=true shows settings to visitors"),
        ("EVALHUB_ALLOWED_HOSTS", "*", "EVALHUB_ALLOWED_HOSTS=* lets anyone forge links"),
        ("EVALHUB_SECRET_KEY", "short", "EVALHUB_SECRET_KEY is too short"),
    ],
)
def test_production_refuses_what_is_unsafe(home, name, value, words):
    refused = manage(home, "check", **(PRODUCTION | {name: value}))

    assert refused.returncode == 1
    assert refused.stderr.startswith(words)


def test_production_leaves_no_trace_in_the_data_folder_and_passes_djangos_own_check(home):
    checked = manage(home, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert checked.returncode == 0, checked.stderr
    assert not home.exists()
