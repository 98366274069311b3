import html

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from evalhub.candidates import trying
from tests.candidates.asking import KEY
from tests.candidates.making import make_candidate, make_endpoint, make_version


@pytest.fixture
def candidate(project, model_endpoint):
    endpoint = make_endpoint(project, "Here", key=KEY, base_url=model_endpoint.url)
    return make_candidate(project, "Echo", endpoint, model="echo", input_price="1000", output_price="1000")


@pytest.fixture
def try_it(client_of, lead, project, candidate):
    """Posts to the page and gives back the answer."""

    def post(query="", headers=None, **values):
        path = reverse("candidates:try", args=[project.slug, candidate.pk])
        return client_of(lead).post(path + query, values, headers=headers)

    return post


def text_of(answer):
    return html.unescape(answer.content.decode())


def test_a_text_of_ones_own_is_sent_and_everything_is_shown(try_it, model_endpoint):
    answer = try_it(text="Where is my order?")

    page, reply = text_of(answer), answer.context["trial"].reply
    assert answer.status_code == 200
    assert reply.text == "Where is my order?"
    assert '<pre class="text" dir="auto" hx-disable>Where is my order?</pre>' in page
    assert '"content": "Where is my order?"' in page  # what was sent
    assert '"stream_options"' in page
    for name in ("First token", "In total", "Tokens in", "Tokens out", "Cost"):
        assert name in page
    assert answer.context["trial"].cost * 1000 == reply.prompt_tokens + reply.completion_tokens
    assert model_endpoint.counts()["keys"] == [KEY]
    assert KEY not in page


def test_an_example_of_the_newest_version_is_sent(try_it, client_of, lead, project, candidate, admin):
    make_version(project, admin, ["old"], name="Old")
    version = make_version(project, admin, ["first", "second"], name="New")
    page = client_of(lead).get(reverse("candidates:try", args=[project.slug, candidate.pk]))
    second = version.examples.get(key="q1")

    answer = try_it(example=second.pk)

    assert page.context["version"] == version
    assert [label for _value, label in page.context["form"].fields["example"].choices] == ["q0 · first", "q1 · second"]
    assert answer.context["trial"].reply.text == "second"
    assert answer.context["trial"].body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_another_version_can_be_chosen_and_one_of_another_project_not(try_it, project, admin, stranger):
    old = make_version(project, admin, ["old"], name="Old")
    make_version(project, admin, ["new"], name="New")
    foreign = make_version(stranger.memberships.get().project, stranger, ["secret"])

    assert try_it(f"?version={old.pk}", example=old.examples.get().pk).context["trial"].reply.text == "old"
    assert try_it(f"?version={foreign.pk}", text="x").status_code == 404
    assert try_it("?version=x", text="x").status_code == 404
    assert try_it("?version=" + "9" * 40, text="x").status_code == 404


def test_an_example_of_another_project_is_not_sent(try_it, model_endpoint, stranger):
    foreign = make_version(stranger.memberships.get().project, stranger, ["secret"])

    answer = try_it(example=foreign.examples.get().pk)

    assert answer.status_code == 422
    assert model_endpoint.counts()["total"] == 0


def test_htmx_gets_the_part_only(try_it):
    answer = try_it(headers={"HX-Request": "true"}, text="x")

    assert text_of(answer).lstrip().startswith('<div id="try"')


def test_what_went_wrong_is_shown_with_what_was_sent_back(try_it, candidate):
    candidate.model = "fault:status?code=429&retry_after=7&message=Slow+%3Cb%3Edown%3C/b%3E"
    candidate.save()

    answer = try_it(text="x")

    assert "Too many requests" in text_of(answer)
    assert "The endpoint gets too many requests (429): “Slow <b>down</b>”." in text_of(answer)
    assert "<b>" not in answer.content.decode()
    assert "The endpoint asks to wait 7 s." in text_of(answer)


def test_tool_calls_are_shown(try_it, candidate):
    candidate.model = "fault:calls-only"
    candidate.save()

    page = text_of(try_it(text="x"))

    assert "Tool call <code>look_up</code>" in page
    assert '{"order": 7}' in page


def test_nothing_to_send_is_said(try_it, model_endpoint):
    answer = try_it(text="  ")

    assert (answer.status_code, "Choose an example, or type a text." in text_of(answer)) == (422, True)
    assert model_endpoint.counts()["total"] == 0


def test_a_candidate_recorded_elsewhere_has_nothing_to_call(client_of, lead, project):
    path = reverse("candidates:try", args=[project.slug, make_candidate(project, "Elsewhere").pk])

    assert "There is nothing to call" in client_of(lead).get(path).content.decode()
    assert client_of(lead).post(path, {"text": "x"}).status_code == 422


def test_a_key_that_cannot_be_decrypted_is_told(try_it, settings, model_endpoint):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    answer = try_it(text="x")

    assert (answer.status_code, "The key of “Here” cannot be decrypted" in text_of(answer)) == (422, True)
    assert model_endpoint.counts()["total"] == 0


def test_the_wait_ends_before_the_endpoints_own_time_limit(try_it, candidate, monkeypatch):
    assert trying.LONGEST_WAIT == 60
    monkeypatch.setattr(trying, "LONGEST_WAIT", 0.3)
    candidate.endpoint.timeout_seconds = 3600
    candidate.endpoint.save()
    candidate.model = "fault:hang?seconds=3"
    candidate.save()

    assert "There was no answer within 0.3 s." in text_of(try_it(text="x"))


def test_two_wait_at_once_and_a_third_is_told(try_it):
    taken = [trying._free.acquire(blocking=False) for _ in range(trying.AT_ONCE)]
    try:
        answer = try_it(text="x")
    finally:
        for _ in taken:
            trying._free.release()

    assert taken == [True, True]
    assert (answer.status_code, "Other people are trying candidates right now." in text_of(answer)) == (422, True)
    assert try_it(text="x").context["trial"].reply.text == "x"


def test_hostile_answers_are_text(try_it):
    hostile = "<img src=x onerror=alert(1)></pre><script>alert(1)</script>\u202e\x1b[31m"

    page = try_it(text=hostile).content.decode()

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "⟨U+202E⟩␛[31m" in page
