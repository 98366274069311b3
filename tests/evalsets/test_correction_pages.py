"""The pages of corrections: what waits, what is decided, what one proposed oneself."""

import pytest
from django.urls import reverse

from evalhub.evalsets.corrections import propose_correction, refuse
from evalhub.evalsets.models import Correction, EvalSetVersion
from tests.making import make_version, numbered
from tests.people import make_member


@pytest.fixture
def client(client_of, lead):
    return client_of(lead)


@pytest.fixture
def version(project):
    return make_version(project, 3)


def address(name, project, *arguments):
    return reverse(f"evalsets:{name}", args=[project.slug, *arguments])


def propose(version, person, text, number=1, note=""):
    return propose_correction(version.examples.get(position=number), person, note, text)


def listed(client, project, version, **query):
    return client.get(address("corrections", project, version.eval_set_id), query)


def test_proposals_for_one_example_stand_together_beside_what_is_expected(client, project, version, reviewer, lead):
    propose(version, reviewer, "one apple", note="Look at the second line.")
    propose(version, lead, "", note="Not 1.")
    propose(version, reviewer, "two", 2)

    page = listed(client, project, version)

    groups = page.context["groups"]
    assert [(group.example.key, len(group.proposals)) for group in groups] == [("example-1", 2), ("example-2", 1)]
    text = page.content.decode()
    assert "<del>1</del><ins>one apple</ins>" in text
    assert "Look at the second line." in text
    assert "Did not say what is right." in text
    assert "2 proposals" in text
    assert "Accept the ticked ones into v2" in text


def test_what_is_ticked_goes_into_the_draft_as_it_was_changed(client, project, version, reviewer):
    first, second = propose(version, reviewer, "one"), propose(version, reviewer, "two", 2)
    data = {"accept": [first.pk, second.pk], f"text-{first.pk}": "one\r\nexactly", f"text-{second.pk}": "two"}

    answer = client.post(address("accept_corrections", project, version.eval_set_id), data, follow=True)

    draft = EvalSetVersion.objects.get(number=2)
    assert answer.redirect_chain == [(address("version", project, draft.pk), 302)]
    assert "2 corrections are accepted into Inbox v2. It is a draft until somebody publishes it." in answer.text
    assert "2 expected answers were corrected in this version." in answer.text
    assert [example.expected for example in draft.examples.all()] == ["one\nexactly", "two", "3"]
    assert list(version.examples.values_list("expected", flat=True)) == ["1", "2", "3"]


def test_what_cannot_be_accepted_is_said_and_what_was_typed_stays(client, project, version, reviewer):
    numbers = make_version(project, [numbered(1) | {"expected_kind": "number", "expected": 1}], name="Numbers")
    wrong, other = propose(numbers, reviewer, "2"), propose(version, reviewer, "one")
    data = {"accept": [wrong.pk], f"text-{wrong.pk}": "about two"}

    answer = client.post(address("accept_corrections", project, numbers.eval_set_id), data)
    foreign = client.post(address("accept_corrections", project, numbers.eval_set_id), {"accept": [other.pk]})

    assert answer.status_code == foreign.status_code == 422
    assert "Example “example-1”: “What should be expected”: “about two” holds no number." in answer.text
    assert "about two</textarea>" in answer.text
    assert "One of the proposals is not open any more." in foreign.text
    assert not Correction.objects.exclude(state="open").exists()


def test_a_refusal_is_read_by_whoever_proposed(client, client_of, project, version, reviewer, lead):
    proposed = propose(version, reviewer, "one")
    url = address("refuse_correction", project, proposed.pk)

    empty = client.post(url, {"answer": ""})
    answer = client.post(url, {"answer": "Digits are wanted."}, follow=True)
    decided = listed(client, project, version, show="decided")
    own = client_of(reviewer).get(address("own_corrections", project))

    assert (empty.status_code, "Say in a word why" in empty.text) == (422, True)
    assert "Refused." in answer.text
    assert "Digits are wanted." in decided.text
    assert "Digits are wanted." in own.text
    assert "Lea" in own.text


def test_one_withdraws_ones_own_and_nobody_elses(client, client_of, project, version, reviewer):
    proposed = propose(version, reviewer, "one")
    url = address("withdraw_correction", project, proposed.pk)

    assert client.post(url).status_code == 404
    answer = client_of(reviewer).post(url, follow=True)

    assert "The proposal is withdrawn." in answer.text
    assert not Correction.objects.exists()


def test_reviewers_see_their_own_alone(client_of, project, version, reviewer, lead):
    propose(version, lead, "one", note="a lead's word")

    own = client_of(reviewer).get(address("own_corrections", project))

    assert "You proposed no correction yet" in own.text
    assert "a lead" not in own.text.replace("A lead decides", "")
    assert listed(client_of(reviewer), project, version).status_code == 403


def test_how_many_wait_is_said_on_the_eval_set_and_in_the_review_overview(
    client, client_of, project, version, reviewer
):
    propose(version, reviewer, "one")
    propose(version, reviewer, "two", 2)

    page = client.get(address("show", project, version.eval_set_id))
    summary = client.get(address("corrections_summary", project))
    reviewers = client_of(reviewer).get(address("corrections_summary", project))

    assert '<span class="badge badge-warn">2 open</span>' in page.text
    assert f'<a href="{address("corrections", project, version.eval_set_id)}">2 in Inbox</a>' in summary.text
    assert "2 in Inbox" not in reviewers.text
    assert "You proposed 2." in reviewers.text


def test_hostile_text_stays_text(client, project, version, reviewer):
    propose(version, reviewer, "<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")

    page = listed(client, project, version).text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.parametrize("show", ["open", "decided"])
def test_the_number_of_queries_does_not_grow(client, project, lead, show, django_assert_num_queries):
    version = make_version(project, 30)
    people = [make_member(project, f"Person{n}", "reviewer") for n in range(2)]

    def fill(numbers):
        for number in numbers:
            for person in people:
                proposed = propose(version, person, f"other {number}", number)
                if show == "decided":
                    refuse(proposed, lead, "No.")

    fill([1])
    listed(client, project, version, show=show)
    with django_assert_num_queries(10 if show == "open" else 7):
        listed(client, project, version, show=show)
    fill(range(2, 16))
    with django_assert_num_queries(10 if show == "open" else 7):
        listed(client, project, version, show=show)
