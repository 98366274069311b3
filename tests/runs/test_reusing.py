"""An identical call of an earlier run is not made again when one says so."""

from __future__ import annotations

from evalhub.runs.models import Run
from evalhub.runs.reusing import digest_of
from tests.making import make_version
from tests.runs.making import make_caller, start
from tests.runs.test_engine import is_over
from tests.serving.waiting import wait_until

PLAN = {"endpoint": 1, "base_url": "https://models.example/v1"}
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.0}


def test_a_call_is_the_same_if_endpoint_body_and_repeat_are():
    digest = digest_of(PLAN, 1, BODY)

    assert digest == digest_of(dict(PLAN, timeout_seconds=9), 1, BODY | {"stream": True})
    others = [
        digest_of(PLAN | {"endpoint": 2}, 1, BODY),
        digest_of(PLAN | {"base_url": "https://other.example/v1"}, 1, BODY),
        digest_of(PLAN, 2, BODY),
        digest_of(PLAN, 1, BODY | {"temperature": 0.1}),
        digest_of(PLAN, 1, BODY | {"model": "n"}),
        digest_of(PLAN, 1, BODY | {"messages": [{"role": "user", "content": "hello"}]}),
        digest_of(PLAN, 1, BODY | {"tools": []}),
    ]
    assert len({digest, *others}) == len(others) + 1


def finished(run: Run) -> Run:
    wait_until(lambda: is_over(run))
    assert run.state == "finished"
    return run


def test_a_second_run_takes_over_what_the_first_was_answered(project, celery_worker, model_endpoint):
    version, candidate = make_version(project, 30), make_caller(project, model_endpoint.url)
    first = finished(start(version, candidate, repeats=2))

    second = finished(start(version, candidate, repeats=3, reuses_outputs=True))

    assert model_endpoint.counts()["total"] == 60 + 30  # the third repeat is new
    originals = {(output.example_id, output.repeat): output for output in first.outputs.all()}
    for output in second.outputs.filter(repeat__lte=2):
        original = originals[output.example_id, output.repeat]
        assert (output.reused_from, output.text, output.attempts) == (original.pk, original.text, 0)
        assert output.total_ms == original.total_ms
    assert set(second.outputs.filter(repeat=3).values_list("reused_from", "attempts")) == {(None, 1)}


def test_nothing_is_taken_over_unless_one_says_so(project, celery_worker, model_endpoint):
    version, candidate = make_version(project, 5), make_caller(project, model_endpoint.url)
    finished(start(version, candidate))

    finished(start(version, candidate))

    assert model_endpoint.counts()["total"] == 10


def test_only_what_is_identical_is_taken_over_and_no_failure(project, celery_worker, model_endpoint):
    version = make_version(project, 6)
    candidate = make_caller(project, model_endpoint.url, "fault:status?code=400&share=0.5")
    first = finished(start(version, candidate))
    answered = first.outputs.filter(error_cause="").count()

    again = finished(start(version, candidate, reuses_outputs=True))
    candidate.temperature = 0.5
    candidate.save()
    other = finished(start(version, candidate, reuses_outputs=True))

    assert 0 < answered < 6
    assert again.outputs.exclude(reused_from=None).count() == answered
    assert other.outputs.exclude(reused_from=None).count() == 0


def test_an_answer_taken_over_is_not_the_original_of_a_third(project, celery_worker, model_endpoint):
    version, candidate = make_version(project, 3), make_caller(project, model_endpoint.url)
    first = finished(start(version, candidate))
    finished(start(version, candidate, reuses_outputs=True))

    third = finished(start(version, candidate, reuses_outputs=True))

    assert set(third.outputs.values_list("reused_from", flat=True)) == set(first.outputs.values_list("pk", flat=True))
