"""Where notices arrive in tests."""

import pytest

from tests.reviews.mail import mail_server, webhook_receiver


@pytest.fixture
def mail_box(settings):
    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.PUBLIC_URL = "https://evalhub.example"
        yield box


@pytest.fixture
def receiver(settings):
    with webhook_receiver() as received:
        settings.PUBLIC_URL = "https://evalhub.example"
        yield received
