"""Outputs taken over to a later version: the same answers, scored against what is expected there."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.urls import reverse

from evalhub.checks.scoring import score_run
from evalhub.checks.shares import Share, shares_right
from evalhub.evalsets.correcting import accept
from evalhub.evalsets.corrections import propose_correction
from evalhub.evalsets.publishing import ask_for_publication
from evalhub.runs.carrying import Carried, carry_outputs, count_carried, family_of, later_version
from evalhub.runs.models import Output, Run
from evalhub.runs.reusing import digest_of
from evalhub.runs.starting import StartingError
from reviews.labelling import record_label
from tests.making import assessed, make_check, make_round, make_run, make_version, numbered
from tests.runs.making import make_caller, start


@pytest.fixture
def version(project):
    return make_version(project, 3)


def corrected(version, person, text, number=1):
    """The next version, published: the expected answer of one example is another one."""
    proposed = propose_correction(version.examples.get(position=number), person, "", text)
    return ask_for_publication(accept(version.eval_set, {proposed.pk: None}, person), person)


def answered(run):
    """As if the endpoint had answered each call with the number."""
    outputs = [
        Output(
            run=run,
            example=example,
            text=str(n),
            cost=Decimal("0.01"),
            attempts=1,
            total_ms=5,
            call_digest=b"%016d" % n,
        )
        for n, example in enumerate(run.version.examples.all(), start=1)
    ]
    Output.objects.bulk_create(outputs)
    run.chunks.update(state="done")
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED)
    return Run.objects.get(pk=run.pk)


def test_recorded_outputs_are_scored_under_both_versions(version, lead, django_capture_on_commit_callbacks):
    run = make_run(version, answers=["one", "2", "3"])
    make_check(version)
    later = corrected(version, lead, "one")

    made = carry_outputs(run, later, lead)
    for each in (run, made):
        score_run(each)

    assert (made.candidate, made.version, made.plan["taken_over_from"]) == (run.candidate, later, run.pk)
    made.refresh_from_db()
    assert (made.state, made.source, made.planned_outputs, made.figures["reused"]) == ("finished", "uploaded", 3, 3)
    taken = {output.example.key: (output.text, output.reused_from) for output in made.outputs.select_related("example")}
    assert taken == {output.example.key: (output.text, output.pk) for output in run.outputs.select_related("example")}
    assert shares_right([run, made]) == {run.pk: Share(2, 3), made.pk: Share(3, 3)}


def test_examples_that_ask_something_else_are_left_out_of_recorded_outputs(version, lead, project):
    run = make_run(version)
    other = numbered(2) | {"request": {"messages": [{"role": "user", "content": "Say 2 in words."}]}}
    later = make_version(project, [numbered(1), other, numbered(4)])

    made = carry_outputs(run, later, lead)

    assert count_carried(run, later) == Carried(same=1, others=2)
    assert [output.example.key for output in made.outputs.select_related("example")] == ["example-1"]
    assert made.planned_outputs == 3


def test_a_called_run_keeps_its_own_answers_and_pays_nothing(version, lead, project):
    caller = make_caller(project)
    run = answered(start(version, caller))
    # A later run made the same calls, and got other answers: these are not meant.
    answered(start(version, caller)).outputs.update(text="other")
    later = corrected(version, lead, "one")

    made = carry_outputs(run, later, lead)

    outputs = list(made.outputs.order_by("pk"))
    assert [output.text for output in outputs] == ["1", "2", "3"]
    assert {(output.cost, output.attempts) for output in outputs} == {(Decimal(0), 0)}
    assert [output.reused_from for output in outputs] == list(run.outputs.order_by("pk").values_list("pk", flat=True))
    assert made.chunks.count() == 0
    assert made.reuses_outputs
    assert {name: made.plan[name] for name in ("model", "base_url")} == {
        "model": "echo",
        "base_url": run.plan["base_url"],
    }


@pytest.mark.django_db(transaction=True)
def test_a_called_run_without_a_missing_answer_ends_at_once(version, lead, project):
    run = answered(start(version, make_caller(project)))
    later = corrected(version, lead, "one")

    made = carry_outputs(run, later, lead)

    made.refresh_from_db()
    assert (made.state, made.figures["reused"]) == ("finished", 3)


def test_what_is_missing_in_a_called_run_is_planned_to_be_called(version, lead, project):
    run = answered(start(version, make_caller(project)))
    run.outputs.filter(text="3").update(error_cause="timeout", text="")
    other = numbered(2) | {"request": {"messages": [{"role": "user", "content": "Say 2 in words."}]}}
    later = make_version(project, [numbered(1), other, numbered(3)])

    made = carry_outputs(run, later, lead)

    assert [output.text for output in made.outputs.all()] == ["1"]
    assert list(made.chunks.values_list("first_position", "last_position", "state")) == [(2, 3, "ready")]
    assert made.state == "running"


def test_taking_over_twice_is_one_run_and_from_a_taken_one_the_first_counts(version, lead):
    run = make_run(version)
    second = corrected(version, lead, "one")
    made = carry_outputs(run, second, lead)
    assert carry_outputs(run, second, lead) == made

    third = corrected(version, lead, "two", 2)
    last = carry_outputs(made, third, lead)

    assert last.plan["taken_over_from"] == run.pk
    assert set(last.outputs.values_list("reused_from", flat=True)) == set(run.outputs.values_list("pk", flat=True))
    for each in (run, made, last):
        assert list(family_of(each)) == [run, made, last]
        assert later_version(each) is None


def test_labels_and_verdicts_stay_with_the_outputs_that_were_read(version, lead, reviewer):
    run = make_run(version)
    item = make_round(run).items.earliest("pk")
    record_label(item, reviewer, assessed("pass"))

    made = carry_outputs(run, corrected(version, lead, "one"), lead)

    assert run.verdicts.count() == 1
    assert made.verdicts.count() == 0


@pytest.mark.parametrize(
    ("which", "sentence"),
    [("same", "is no later version of"), ("draft", "is not published"), ("moving", "The run is not finished")],
)
def test_what_cannot_be_taken_over_is_said(version, lead, project, which, sentence):
    run = make_run(version)
    later = make_version(project, 3, published=which != "draft")
    if which == "moving":
        Run.objects.filter(pk=run.pk).update(state=Run.State.PAUSED)

    with pytest.raises(StartingError, match=sentence):
        carry_outputs(run, version if which == "same" else later, lead)

    assert Run.objects.count() == 1


def test_a_candidate_that_cannot_be_called_any_more_takes_over_only_what_is_there(version, lead, project):
    run = answered(start(version, make_caller(project)))
    run.candidate.endpoint = None
    run.candidate.save()
    same, more = make_version(project, 3), make_version(project, 4)

    assert carry_outputs(run, same, lead).outputs.count() == 3
    with pytest.raises(StartingError, match="has no endpoint"), transaction.atomic():
        carry_outputs(run, more, lead)
    assert not more.runs.exists()


def test_the_pages_of_run_and_version_lead_there_and_show_both_figures(client_of, version, lead, project):
    run = make_run(version, answers=["one", "2", "3"])
    make_check(version)
    later = corrected(version, lead, "one")
    client, slug = client_of(lead), project.slug
    fragment = reverse("checks:under_versions", args=[slug, run.pk])
    of_version = reverse("checks:earlier_runs", args=[slug, later.pk])

    before, listed = client.get(fragment), client.get(of_version)
    answer = client.post(reverse("runs:take_over", args=[slug, run.pk]), {"version": later.pk}, follow=True)
    made = later.runs.get()
    for each in (run, made):
        score_run(each)
    after, again = client.get(fragment), client.get(of_version)

    for page in (before, listed):
        assert "Take the outputs over to v2" in page.text
    assert "All 3 examples of v2 ask the same as before: no model is called, and nothing is paid." in before.text
    assert "without calling a model again where the request is the same" in listed.text
    assert answer.redirect_chain == [(reverse("runs:show", args=[slug, made.pk]), 302)]
    assert "The outputs are taken over to Inbox v2. The run before keeps its own scores." in answer.text
    assert (
        f'Its outputs are those of <a href="{reverse("runs:show", args=[slug, run.pk])}">run {run.pk}</a>'
        in answer.text
    )
    assert [f"{row.right:.2f}" for row in after.context["rows"]] == ["0.67", "1.00"]
    assert "Take the outputs over" not in after.text + again.text
    assert "an output that was taken over has none until it is reviewed itself" in after.text
    assert again.context["pairs"][0].taken.run == made


def test_the_number_of_queries_does_not_grow_with_the_candidates(
    client_of, version, lead, project, django_assert_num_queries
):
    client = client_of(lead)
    make_run(version, "first")
    later = corrected(version, lead, "one")
    url = reverse("checks:earlier_runs", args=[project.slug, later.pk])

    client.get(url)
    with django_assert_num_queries(8):
        client.get(url)
    for n in range(8):
        made = make_run(version, f"candidate {n}")
        if n % 2:
            carry_outputs(made, later, lead)
    with django_assert_num_queries(8):
        assert len(client.get(url).context["pairs"]) == 9


def test_an_odd_version_is_refused_and_none_means_the_newest(client_of, version, lead, project):
    url = reverse("runs:take_over", args=[project.slug, make_run(version).pk])

    assert "There is no later version" in client_of(lead).post(url, follow=True).text
    assert client_of(lead).post(url, {"version": 999_999_999}).status_code == 404
    assert client_of(lead).post(url, {"version": "x"}).status_code == 400


def test_the_digest_of_a_call_is_kept(version, lead, project):
    run = answered(start(version, make_caller(project)))
    digest = digest_of(run.plan, 1, {"messages": []})
    run.outputs.update(call_digest=digest)

    made = carry_outputs(run, corrected(version, lead, "one"), lead)

    assert {bytes(output.call_digest) for output in made.outputs.all()} == {digest}
