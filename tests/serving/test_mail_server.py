"""The mail server's address."""

import pytest

from evalhub.serving.mail_server import MailServer, mail_server_at


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://mail.example", MailServer("mail.example", 25)),
        ("smtp+tls://me:p%40ss@mail.example", MailServer("mail.example", 587, "me", "p@ss", starts_tls=True)),
        ("smtps://me@mail.example:2465/", MailServer("mail.example", 2465, "me", "", is_tls=True)),
    ],
)
def test_an_address_says_where_and_how(url, server):
    assert mail_server_at(url) == server


def test_without_an_address_nothing_is_sent():
    assert MailServer().backend == "django.core.mail.backends.dummy.EmailBackend"
    assert MailServer("mail.example").backend == "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://me:secret", "smtp://a/b"])
def test_what_is_not_understood_is_said_without_the_password(url):
    with pytest.raises(ValueError, match="Write smtp://") as fault:
        mail_server_at(url)

    assert "secret" not in str(fault.value)
