"""Known answers: written down by a lead, taken back, listed."""

import pytest
from django.urls import reverse

from evalhub.evalsets.models import Correction
from reviews.calibration.known import mark_known, proposed_answer, take_mark_back
from reviews.labelling import decide, record_label
from reviews.making.mixing import add_known_items
from reviews.models import KnownAnswer
from taxonomy.models import ErrorType
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from tests.making import assessed, claim_next, make_round, make_run, make_version, numbered


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project)[:2])


def mark_url(project, output):
    return reverse("reviews:mark", args=[project.slug, output.pk])


def test_what_was_settled_is_proposed(run, reviewer, types):
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("fail", types, "No order id.", severity="critical", fault="model"))

    assert proposed_answer(item.output) == {
        "outcome": "fail",
        "error_types": sorted(each.pk for each in types),
        "severity": "critical",
        "fault": "model",
        "failing_step": None,
        "note": "No order id.",
    }


def test_a_decision_is_proposed_over_the_labels(run, lead, reviewer, types):
    item = make_round(run, labels_wanted=2).items.first()
    record_label(item, reviewer, assessed("fail", types, "mine"))
    record_label(item, lead, assessed("pass", note="hers"))
    decide(item, lead, assessed("fail", types[:1], "The id is missing."))

    proposed = proposed_answer(item.output)

    assert (proposed["outcome"], proposed["error_types"]) == ("fail", [types[0].pk])
    assert proposed["note"] == "The id is missing."


def test_a_type_that_was_merged_since_is_proposed_as_what_it_is_now(run, project, lead, reviewer, types):
    before, now = types
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("fail", [before]))

    carry_out(project, Merge((before.pk,), now.pk), lead)

    assert proposed_answer(item.output)["error_types"] == [now.pk]


def test_nothing_is_proposed_of_what_nobody_settled(run):
    assert proposed_answer(run.outputs.first()) == {}


def test_a_lead_writes_down_a_known_answer_and_changes_it(client_of, project, run, lead, types):
    output = run.outputs.first()
    client = client_of(lead)

    first = client.post(
        mark_url(project, output), {"outcome": "fail", "error_types": [types[0].pk], "note": "Look at the id."}
    )
    client.post(mark_url(project, output), {"outcome": "pass", "note": "It is right after all."})

    assert first.headers["Location"] == reverse("reviews:known", args=[project.slug])
    known = KnownAnswer.objects.get()
    assert (known.output, known.outcome, known.note) == (output, "pass", "It is right after all.")
    assert not known.error_types.exists()
    assert list(project.events.values_list("action", flat=True)[:2]) == [
        "changed the known answer of",
        "wrote down the known answer of",
    ]


def test_a_known_answer_that_says_too_little_is_asked_about(client_of, project, run, lead):
    answer = client_of(lead).post(mark_url(project, run.outputs.first()), {"outcome": "fail"})

    assert answer.status_code == 422
    assert not KnownAnswer.objects.exists()


def test_a_wrong_expected_answer_is_proposed_to_be_corrected(client_of, project, run, lead):
    output = run.outputs.first()

    client_of(lead).post(
        mark_url(project, output), {"outcome": "pass", "fault": "expected", "correction": "one", "note": "Words."}
    )

    assert KnownAnswer.objects.get().fault == "expected"
    assert [(each.example, each.note) for each in Correction.objects.all()] == [(output.example, "Words.")]


def test_a_correction_that_does_not_fit_is_asked_about_and_nothing_is_kept(client_of, project, lead):
    version = make_version(project, [{**numbered(1), "expected_kind": "number", "expected": 1}], name="Numbers")
    output = make_run(version).outputs.get()

    answer = client_of(lead).post(
        mark_url(project, output), {"outcome": "pass", "fault": "expected", "correction": "one", "note": "Words."}
    )

    assert answer.status_code == 422
    assert not KnownAnswer.objects.exists()
    assert not Correction.objects.exists()


def test_the_page_shows_what_was_settled(client_of, project, run, lead, reviewer, types):
    item = make_round(run).items.first()
    record_label(item, reviewer, assessed("fail", types[:1], "Wrong <id>."))

    page = client_of(lead).get(mark_url(project, item.output)).content.decode()

    assert "Wrong &lt;id&gt;." in page
    assert f'value="{types[0].pk}" checked' in page


def test_a_mark_that_is_taken_back_takes_its_items_out_of_open_rounds(run, lead, reviewer):
    output = run.outputs.order_by("pk").first()
    known = mark_known(output, lead, assessed("pass"))
    made = make_round(run)
    made.items.filter(output=output).delete()
    add_known_items(made, 1, "s")

    take_mark_back(known, lead)

    item = made.items.get(output=output)
    made.refresh_from_db()
    assert (item.status, item.is_known) == ("closed", True)
    assert made.item_count == 3
    assert {claim_next(made, reviewer).output_id for _ in range(1)} != {output.pk}


def test_the_list_tells_how_often_people_met_it_and_agreed(client_of, project, run, lead, reviewer, types):
    outputs = list(run.outputs.order_by("pk"))
    mark_known(outputs[0], lead, assessed("fail", types[:1], "Look at the id."))
    made = make_round(run)
    made.items.filter(output=outputs[0]).delete()
    add_known_items(made, 1, "s")
    item = made.items.get(is_known=True)
    record_label(item, reviewer, assessed("pass"))
    record_label(item, lead, assessed("fail", types))

    page = client_of(lead).get(reverse("reviews:known", args=[project.slug])).content.decode()

    assert "1 of 2" in page
    assert "Look at the id." in page


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_thirty(
    client_of, project, lead, django_assert_num_queries
):
    outputs = list(make_run(make_version(project, 30), "big").outputs.all())
    url = reverse("reviews:known", args=[project.slug])
    client = client_of(lead)
    mark_known(outputs[0], lead, assessed("pass"))
    with django_assert_num_queries(10):
        client.get(url)
    for output in outputs[1:]:
        mark_known(output, lead, assessed("pass"))

    with django_assert_num_queries(10):
        client.get(url)
