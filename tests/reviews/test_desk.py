"""The desk over HTTP: labels and what is refused, two tabs, what is held ready, drafts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evalhub.evalsets.models import Correction
from reviews.labelling import record_label, version_of
from reviews.models import Claim, Draft, ItemEvent, Label
from reviews.queue import claim_item
from taxonomy.models import ErrorType
from tests.making import assessed, claim_next, make_round, make_run, make_version
from tests.reviews.desk import HTMX, other_items, path, post, text_of


@pytest.fixture
def made(project):
    return make_round(make_run(make_version(project, 3)))


@pytest.fixture
def error_type(project):
    return ErrorType.objects.filter(project=project).first()


# ---- labels


def test_a_label_answers_with_the_next_item(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)

    answer = post(client_of(reviewer), "label", project, first, outcome="pass")

    assert answer.status_code == 200
    assert 'Item 2 <span class="desk-left">· 2 labels of the round left</span>' in text_of(answer)
    assert "Saved as pass." in text_of(answer)
    assert "<html" not in text_of(answer)
    assert f'data-item="{claim_next(made, reviewer).pk}"' in text_of(answer)


@pytest.mark.parametrize("data", [{"outcome": "fail"}, {"outcome": "fail", "note": "  "}, {"outcome": "maybe"}, {}])
def test_a_label_that_says_too_little_is_kept_and_asked_about(client_of, project, reviewer, made, data):
    item = claim_next(made, reviewer)

    answer = post(client_of(reviewer), "label", project, item, **data)

    assert answer.status_code == 422
    assert not Label.objects.exists()


def test_a_pass_with_an_error_type_is_asked_about_with_everything_kept(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)

    answer = post(
        client_of(reviewer), "label", project, item, outcome="pass", error_types=[error_type.pk], note="my <words>"
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "You ticked an error type and pressed Pass" in page
    assert "my &lt;words&gt;" in page
    assert f'value="{error_type.pk}" checked' in page


def test_an_error_type_of_another_project_is_refused(client_of, project, reviewer, made, stranger):
    foreign = ErrorType.objects.exclude(project=project).first()
    item = claim_next(made, reviewer)

    answer = post(client_of(reviewer), "label", project, item, outcome="fail", error_types=[foreign.pk])

    assert answer.status_code == 422
    assert not Label.objects.exists()


def test_everything_that_is_said_is_recorded(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)

    post(
        client_of(reviewer), "label", project, item, outcome="fail", error_types=[error_type.pk], severity="critical",
        fault="model", failing_step="2", note="n",
    )  # fmt: skip

    assert Label.objects.get().as_said() == {
        "outcome": "fail", "error_types": [error_type.pk], "severity": "critical", "fault": "model",
        "failing_step": 2, "note": "n",
    }  # fmt: skip


def test_a_late_label_is_told_and_kept_as_a_draft(client_of, project, lead, reviewer, made):
    item = claim_next(made, reviewer)
    record_label(item, reviewer, assessed("pass"))

    answer = post(client_of(lead), "label", project, item, outcome="fail", note="too late")

    page = text_of(answer)
    assert answer.status_code == 422
    assert "Somebody else labelled this item meanwhile" in page
    assert "too late" in page
    assert f'<a href="{path("desk", project, made.pk)}">Go on to the next item</a>' in page
    assert Label.objects.get().reviewer == reviewer
    assert Draft.objects.get().said == {"note": "too late"}


def test_a_label_after_the_claim_ran_out_counts_while_nobody_else_has_the_item(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    Claim.objects.update(until=timezone.now() - timedelta(minutes=1))

    answer = post(client_of(reviewer), "label", project, item, outcome="pass")

    assert answer.status_code == 200
    assert Label.objects.get().reviewer == reviewer


def test_a_label_sent_while_signed_out_leaves_the_page_as_it_is(client, project, reviewer, made):
    item = claim_next(made, reviewer)

    answer = post(client, "label", project, item, outcome="pass")

    assert (answer.status_code, answer.content) == (401, b"")
    assert "HX-Redirect" not in answer


def test_a_wrong_expected_answer_is_proposed_for_correction(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)

    post(client_of(reviewer), "label", project, item, outcome="pass", fault="expected", correction="seven", note="typo")

    correction = Correction.objects.get()
    assert (correction.example, correction.proposed_by, correction.expected, correction.note) == (
        item.output.example, reviewer, "seven", "typo",
    )  # fmt: skip


def test_a_correction_that_changes_nothing_is_asked_about_and_no_label_saved(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)

    answer = post(
        client_of(reviewer), "label", project, item, outcome="pass", fault="expected",
        correction=item.output.example.expected,
    )  # fmt: skip

    assert answer.status_code == 422
    assert "is what the example expects already" in text_of(answer)
    assert not Label.objects.exists()
    assert not Correction.objects.exists()


# ---- two tabs, twice the same


def test_two_tabs_do_not_overwrite_each_other_unasked(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)
    post(client, "label", project, item, outcome="pass")

    answer = post(client, "label", project, item, outcome="fail", error_types=[error_type.pk])
    assert answer.status_code == 422
    assert "in another tab" in text_of(answer)
    label = Label.objects.get()
    assert label.outcome == "pass"
    assert f'name="saw_label" value="{version_of(label)}"' in text_of(answer)
    post(client, "label", project, item, outcome="fail", error_types=[error_type.pk], saw_label=version_of(label))

    assert Label.objects.get().outcome == "fail"


def test_a_label_changed_in_another_tab_is_not_overwritten_unasked_either(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    shown = version_of(record_label(item, reviewer, assessed("pass")))
    client = client_of(reviewer)
    post(client, "label", project, item, outcome="fail", note="second tab", saw_label=shown)

    answer = post(client, "label", project, item, outcome="pass", note="first tab", saw_label=shown)

    assert answer.status_code == 422
    assert Label.objects.get().note == "second tab"


def test_the_same_label_sent_twice_is_one_label_and_one_event(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)

    said = {"outcome": "fail", "error_types": [error_type.pk], "note": "n"}
    statuses = [post(client, "label", project, item, **said).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert Label.objects.count() == ItemEvent.objects.count() == 1


# ---- held ready


def test_the_next_item_is_held_ready_as_it_will_be_after_the_label(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)

    answer = client_of(reviewer).get(path("following", project, first.pk), headers=HTMX)

    second = other_items(made, first)[0]
    assert f'data-item="{second.pk}"' in text_of(answer)
    assert 'Item 2 <span class="desk-left">· 2 labels of the round left</span>' in text_of(answer)
    assert Claim.objects.filter(reviewer=reviewer).count() == 2


def test_a_label_given_while_the_next_item_is_shown_answers_with_the_one_after(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)
    client = client_of(reviewer)
    client.get(path("following", project, first.pk), headers=HTMX)
    second, third = other_items(made, first)
    Claim.objects.filter(item=second).update(began_at=timezone.now() - timedelta(minutes=5))

    answer = post(client, "label", project, first, outcome="pass", ahead=second.pk)

    assert f'data-item="{third.pk}"' in text_of(answer)
    assert 'Item 3 <span class="desk-left">· 1 label of the round left</span>' in text_of(answer)
    # The time with an item begins when it is shown, not when it was fetched.
    assert timezone.now() - Claim.objects.get(item=second).began_at < timedelta(minutes=1)


def test_what_was_held_ready_and_not_read_is_given_back(client_of, project, reviewer, lead, made):
    first = claim_next(made, reviewer)
    client = client_of(reviewer)
    client.get(path("following", project, first.pk), headers=HTMX)
    second = other_items(made, first)[0]

    answer = post(client, "leave", project, second)

    assert answer.status_code == 204
    assert claim_item(second.pk, lead)


def test_nothing_is_held_ready_after_the_last_item(client_of, project, reviewer, made):
    first = claim_next(made, reviewer)
    for other in other_items(made, first):
        record_label(other, reviewer, assessed("pass"))

    answer = client_of(reviewer).get(path("following", project, first.pk), headers=HTMX)

    assert (answer.status_code, answer.content) == (204, b"")


# ---- drafts


def test_what_is_typed_is_there_after_a_reload(client_of, project, reviewer, made, error_type):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)

    answer = post(client, "draft", project, item, note="half a sen", error_types=[error_type.pk], severity="minor")

    page = text_of(client.get(path("desk", project, made.pk)))
    assert answer.status_code == 204
    assert "half a sen</textarea>" in page
    assert f'value="{error_type.pk}" checked' in page
    assert '<option value="minor" selected>' in page
    assert "Filled in from your draft." in page


def test_a_draft_is_seen_by_nobody_else(client_of, project, lead, reviewer):
    made = make_round(make_run(make_version(project, 1)), labels_wanted=2)
    item = claim_next(made, reviewer)
    post(client_of(reviewer), "draft", project, item, note="my secret")

    assert "my secret" not in text_of(client_of(lead).get(path("desk", project, made.pk)))
    assert "my secret" not in text_of(client_of(lead).get(path("jump", project, made.pk)))


def test_a_draft_goes_with_the_label_and_does_not_come_back_late(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)
    post(client, "draft", project, item, note="half")
    post(client, "label", project, item, outcome="fail", note="whole")

    late = post(client, "draft", project, item, note="half a")

    assert late.status_code == 205
    assert not Draft.objects.exists()


def test_a_draft_that_says_nothing_any_more_is_gone(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    client = client_of(reviewer)
    post(client, "draft", project, item, note="half")

    post(client, "draft", project, item, note=" ", severity="")

    assert not Draft.objects.exists()


def test_typing_holds_the_item(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    Claim.objects.update(until=timezone.now() + timedelta(minutes=2))

    post(client_of(reviewer), "draft", project, item, note="long")

    assert Claim.objects.get().until > timezone.now() + timedelta(minutes=14)


def test_a_begun_change_of_a_label_is_a_draft_too(client_of, project, reviewer, made):
    item = claim_next(made, reviewer)
    label = record_label(item, reviewer, assessed("fail", note="first thought"))
    client = client_of(reviewer)

    post(client, "draft", project, item, note="second thought", saw_label=version_of(label))

    page = text_of(client.get(path("item", project, item.pk)))
    assert "second thought</textarea>" in page
    assert "You had begun to change it: that is filled in below, and not saved yet." in page
    assert Label.objects.get().note == "first thought"
