import logging
import pprint
import traceback
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from evalhub.candidates.keys import KeyTextError, is_same_place, key_of, put_key, set_key
from evalhub.candidates.models import Endpoint
from evalhub.candidates.plan import freeze
from tests.candidates.asking import KEY
from tests.candidates.making import make_candidate, make_endpoint


def test_a_key_comes_back_and_the_row_does_not_hold_it(project):
    endpoint = make_endpoint(project, key=KEY)

    endpoint.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text, convert_from(key_encrypted, 'LATIN1') FROM candidates_endpoint e")
        row = "".join(cursor.fetchone())

    assert (key_of(endpoint), endpoint.key_ending) == (KEY, "ABCD")
    assert KEY not in row
    assert KEY.encode().hex() not in row


def test_an_endpoint_without_a_key_has_none(project):
    assert key_of(make_endpoint(project)) is None


def test_the_ending_of_a_short_key_is_not_shown(project):
    assert make_endpoint(project, key="EMPTY").key_ending == ""


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "Schlüssel", "nul\0", "x" * 4001])
def test_what_no_header_carries_is_no_key(project, key):
    with pytest.raises(KeyTextError, match="has no spaces"):
        set_key(Endpoint(project=project), key)


@pytest.mark.parametrize(
    ("new_url", "stays"),
    [
        ("https://api.example/v1", True),
        ("https://api.example:443/v2", True),
        ("https://API.example/v1", True),
        ("http://api.example/v1", False),
        ("https://api.example:8443/v1", False),
        ("https://api.example.evil/v1", False),
        ("https://other.example/v1", False),
    ],
)
def test_a_key_stays_with_scheme_host_and_port(project, new_url, stays):
    endpoint = make_endpoint(project, key=KEY, base_url=new_url)

    is_dropped = put_key(endpoint, "", former_url="https://api.example/v1")

    assert is_dropped is not stays
    assert (key_of(endpoint) == KEY, endpoint.key_ending == "ABCD") == (stays, stays)
    assert is_same_place("https://api.example/v1", new_url) is stays


def test_a_new_key_with_a_new_address_is_kept(project):
    endpoint = make_endpoint(project, key=KEY, base_url="https://other.example/v1")

    assert put_key(endpoint, "another-key-WXYZ", former_url="https://api.example/v1") is False
    assert (key_of(endpoint), endpoint.key_ending) == ("another-key-WXYZ", "WXYZ")


def test_a_key_hides_itself_from_tracebacks_debuggers_and_logs(project, caplog):
    key = key_of(make_endpoint(project, key=KEY))
    held = {"key": key, "more": [key]}

    try:
        raise RuntimeError(held)
    except RuntimeError:
        shown = traceback.format_exc() + repr(held) + pprint.pformat(held) + f"{held}"
        logging.getLogger("evalhub").exception("failed with %r", key)

    assert KEY not in shown + caplog.text


def test_a_plan_has_no_key_in_it(project):
    plan = freeze(make_candidate(project, endpoint=make_endpoint(project, key=KEY)))

    assert KEY not in str(plan)
    assert "ABCD" not in str(plan)


def test_a_lost_encryption_key_is_told(project, settings):
    endpoint = make_endpoint(project, key=KEY)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(KeyTextError, match="The key of “OpenAI” cannot be decrypted: EVALHUB_ENCRYPTION_KEYS lacks"):
        key_of(endpoint)


def test_rotation_makes_the_old_encryption_key_superfluous(project, settings):
    endpoint = make_endpoint(project, key=KEY)
    make_endpoint(project, "Without a key")
    newest, old = Fernet.generate_key().decode(), settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = [newest, old]
    out = StringIO()

    call_command("rotate_keys", stdout=out)

    settings.ENCRYPTION_KEYS = [newest]
    endpoint.refresh_from_db()
    assert (key_of(endpoint), endpoint.key_ending) == (KEY, "ABCD")
    assert out.getvalue() == "1 key encrypted with the newest encryption key.\n"


def test_rotation_names_what_it_cannot_read_and_does_the_rest(project, settings):
    lost = make_endpoint(project, "Lost", key=KEY)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    make_endpoint(project, "Kept", key=KEY)
    out = StringIO()

    with pytest.raises(CommandError, match="No encryption key fits “Lost” of Support inbox"):
        call_command("rotate_keys", stdout=out)

    assert out.getvalue().startswith("1 key encrypted")
    assert Endpoint.objects.get(pk=lost.pk).key_encrypted == lost.key_encrypted
