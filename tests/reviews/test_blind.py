"""Blind means blind: nothing that a reviewer is sent, seen or unseen, tells which candidate gave an answer."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from django.urls import reverse

from evalhub.candidates.models import Candidate, Endpoint
from evalhub.projects.models import Role
from evalhub.runs.models import Output, Run
from reviews.calibration.known import mark_known
from reviews.labelling import record_label
from reviews.making.planning import fill_round, plan_round
from reviews.models import ReviewItem, Round
from reviews.queue import claim_item
from tests.making import assessed, make_check, make_run, make_score, make_version
from tests.people import without_token
from tests.security.addresses import ADDRESSES

HTMX = {"HX-Request": "true"}
TELLING = ["zephyr", "quokka", "numbat", "987650", "876540"]
"""Parts of names of candidates, endpoints, addresses and models, and of the keys of runs and outputs."""
LONG = "Once more, with feeling. " * 400
JSON_ANSWER = json.dumps({"orders": [{"id": f"A-{n}", "note": "x" * 80} for n in range(20)]})
EXAMPLES = [
    {"expected_kind": "text", "expected": "It is on its way."},
    {"expected_kind": "text", "expected": "Nobody knows."},
    {"expected_kind": "json", "expected": {"orders": []}},
    {"expected_kind": "tool_calls", "expected": [{"name": "refund", "arguments": {"order": ["A-1"]}, "optional": []}]},
    {"expected_kind": "text", "expected": LONG.replace("feeling", "care")},
    {"expected_kind": "", "expected": None},
]
ANSWERS = ["It is on the way.", "", JSON_ANSWER, "", LONG, '{"half": ']
CALLS = {"zephyr": "toolu_zephyr_01", "quokka": "call_quokka_01", "numbat": "chatcmpl-numbat"}


def make_telling_run(version, name: str, first_key: int, is_baseline: bool = False) -> Run:
    """A run with fixed keys, every text around its answers naming the model."""
    project = version.eval_set.project
    endpoint = Endpoint.objects.create(project=project, name=f"{name} host", base_url=f"https://{name}.example/v1")
    candidate = Candidate.objects.create(
        project=project, name=f"{name}-7b", endpoint=endpoint, model=f"{name}-chat", is_baseline=is_baseline,
        system_prompt=f"You are {name}.",
    )  # fmt: skip
    run = make_run(version, candidate, ANSWERS)
    old, run.pk, run.plan = run.pk, first_key, {"model": f"{name}-chat"}
    run.save(force_insert=True)
    run.outputs.model.objects.filter(run=old).delete()
    Run.objects.filter(pk=old).delete()
    Output.objects.bulk_create(
        Output(
            pk=first_key + place,
            run=run,
            example=example,
            text=text,
            tool_calls=[{"id": CALLS[name], "name": "refund", "arguments": '{"order": "A-2"}'}] if place == 4 else [],
            finish_reason=f"{name}_stop",
            error_cause="not_json" if place == 2 else "",
            error=f"https://{name}.example/v1 answered with {name}-chat." if place == 2 else "",
            raw=f'{{"model": "{name}-chat"' if place == 2 else "",
            truncated=place == 5,
            total_ms=first_key / 1000,
        )
        for place, (example, text) in enumerate(zip(version.examples.all(), ANSWERS, strict=True), start=1)
    )
    return run


@pytest.fixture
def runs(project):
    messages = [
        {"role": "system", "content": "Be kind."},
        *[{"role": role, "content": f"{role} {n}. " * 40} for n in range(14) for role in ("user", "assistant")],
        {"role": "user", "content": "Where is it?"},
    ]
    rows = [
        {"key": f"e{n}", "request": {"messages": messages}, "tags": ["late"], **row} for n, row in enumerate(EXAMPLES)
    ]
    version = make_version(project, rows)
    check = make_check(version)
    make_telling_run(version, "numbat", 765430, is_baseline=True)
    runs = [make_telling_run(version, "zephyr", 987650), make_telling_run(version, "quokka", 876540)]
    for run in runs:
        for output in run.outputs.all():
            score = make_score(output, check, passed=False)
            score.message = f"There is no answer: {output.error}" if output.error_cause else "It is not equal."
            score.save()
    return runs


@pytest.fixture
def made(project, lead, runs):
    """A blind round of both runs' failures, read by two people each; all have a reason to stand beside the baseline."""
    planned = plan_round(project, "Round", runs, {"failed_check": None}, lead, labels_wanted=2, seed="s")
    fill_round(planned.pk)
    planned.items.update(reasons=["failed_check", "differs_from_baseline"])
    return Round.objects.get(pk=planned.pk)


def parts_of(page: str) -> list[str]:
    return sorted(set(re.findall(r"/parts/([a-z0-9-]+)/", page)))


def assert_tells_nothing(answer, where: object) -> None:
    content = answer.content.decode() + str(answer.headers)
    assert answer.status_code in {200, 204, 302, 422}, where
    found = [word for word in [*TELLING, "765430"] if word in content.lower()]
    assert found == [], where


def test_no_page_of_the_desk_tells_the_candidate(client_of, project, reviewer, made):
    client = client_of(reviewer)
    seen = set()
    for _ in range(made.items.count()):
        page = client.get(reverse("reviews:desk", args=[project.slug, made.pk]))
        assert_tells_nothing(page, "desk")
        item = page.context["item"]
        seen |= {(item.output.example.key, part) for part in parts_of(page.content.decode())}
        for name in ("reviews:item", "reviews:following"):
            assert_tells_nothing(client.get(reverse(name, args=[project.slug, item.pk]), headers=HTMX), name)
        for part in parts_of(page.content.decode()):
            path = reverse("reviews:part", args=[project.slug, item.pk, part])
            assert_tells_nothing(client.get(path, headers={} if part == "other" else HTMX), path)
        refused = client.post(reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": ""}, headers=HTMX)
        assert_tells_nothing(refused, "refused label")
        said = {"outcome": "pass", "note": "fine"}
        assert_tells_nothing(client.post(reverse("reviews:label", args=[project.slug, item.pk]), said), "label")
        assert_tells_nothing(client.get(reverse("reviews:item", args=[project.slug, item.pk])), "own label")

    # What is fetched was there to be looked at: long answers and differences, the texts as they were sent, the steps.
    assert {part for _, part in seen} >= {"answer", "other", "answer-as-sent", "steps-2-29", "difference"}


def test_no_list_for_reviewers_tells_a_candidate(client_of, project, reviewer, made):
    client = client_of(reviewer)
    item = client.get(reverse("reviews:desk", args=[project.slug, made.pk])).context["item"]
    client.post(reverse("reviews:label", args=[project.slug, item.pk]), {"outcome": "pass"})
    lists = {
        name: [made.pk] if address.objects else []
        for name, address in ADDRESSES.items()
        if name.startswith("reviews:") and address.role == Role.REVIEWER and "GET" in address.methods
        if address.objects in ({}, {"pk": "round"})
    }
    assert {"reviews:home", "reviews:jump", "reviews:summary"} <= set(lists)

    for name, arguments in lists.items():
        for headers in ({}, HTMX):
            answer = client.get(reverse(name, args=[project.slug, *arguments]), headers=headers)
            assert_tells_nothing(answer, name)


def test_what_the_endpoint_sent_is_not_to_be_had(client_of, project, reviewer, made):
    item = made.items.get(output=987652)
    client = client_of(reviewer)
    assert client.get(reverse("reviews:item", args=[project.slug, item.pk])).status_code == 200

    for part in ("answer-from-endpoint", "other-from-endpoint"):
        assert client.get(reverse("reviews:part", args=[project.slug, item.pk, part])).status_code == 404


def test_the_page_is_the_same_whichever_candidate_answered(client_of, project, reviewer, made):
    client = client_of(reviewer)

    def page(first_key: int, place: int) -> str:
        item = made.items.get(output=first_key + place)
        ReviewItem.objects.filter(pk=item.pk).update(id=500_000 + place, reasons=["failed_check"])
        answer = client.get(reverse("reviews:item", args=[project.slug, 500_000 + place]))
        ReviewItem.objects.get(pk=500_000 + place).delete()
        return re.sub(r"\d+ labels? of the round left", "", without_token(answer))

    for place in range(1, len(ANSWERS) + 1):
        assert page(987650, place) == page(876540, place), place


def test_the_order_and_the_keys_of_the_items_tell_no_run(made):
    def changes(runs: list[int]) -> int:
        return sum(one != other for one, other in pairwise(runs))

    for order in ("pk", "order"):
        runs = list(made.items.order_by(order).values_list("output__run", flat=True))
        assert changes(runs) > 1, order


def test_a_round_that_is_not_blind_names_the_candidates(client_of, project, reviewer, made):
    Round.objects.filter(pk=made.pk).update(is_blind=False)
    item = made.items.get(output=987652)
    client = client_of(reviewer)

    page = client.get(reverse("reviews:item", args=[project.slug, item.pk])).content.decode()

    assert re.findall(r"of (zephyr|numbat)-7b", page).sort() == ["numbat", "zephyr"].sort()
    assert "https://zephyr.example/v1 answered" in page
    sent = client.get(reverse("reviews:part", args=[project.slug, item.pk, "answer-from-endpoint"]))
    assert "zephyr-chat" in sent.content.decode()


def test_sides_are_by_chance_but_stay(client_of, project, reviewer, lead, made):
    def sides(person) -> str:
        client = client_of(person)
        found = ""
        for item in made.items.order_by("pk"):
            page = client.get(reverse("reviews:item", args=[project.slug, item.pk]))
            assert page.content.decode().count("label this one") == 1
            found += "L" if page.context["reading"].answers[0].is_labelled else "R"
        return found

    mine, theirs = sides(reviewer), sides(lead)

    assert set(mine) == set(theirs) == {"L", "R"}
    assert mine != theirs
    assert sides(reviewer) == mine


def test_answers_are_called_the_same_by_everybody(client_of, project, reviewer, lead, made):
    """A note that says “answer A” would mean another answer to whoever has them the other way round."""
    for person in (reviewer, lead):
        client = client_of(person)
        for item in made.items.order_by("pk"):
            page = client.get(reverse("reviews:item", args=[project.slug, item.pk]))
            titles = re.findall(r'<h2 id="(answer|other)-title">([^<]*?) ?<', page.content.decode())
            assert sorted(titles) == [("answer", "Answer"), ("other", "Other answer")]


def test_the_keys_tell_no_known_item(project, lead, runs):
    for output in Output.objects.filter(run=runs[0])[:3]:
        mark_known(output, lead, assessed("fail", [], "known"))
    planned = plan_round(project, "Round", runs[1:], {"failed_check": None}, lead, known=3, seed="s")

    fill_round(planned.pk)

    known = list(planned.items.order_by("pk").values_list("is_known", flat=True))
    assert sum(known) == 3
    assert known == list(planned.items.order_by("order").values_list("is_known", flat=True))
    assert known != sorted(known)


def test_who_decides_a_contested_item_reads_it_blind_too(client_of, project, reviewer, lead, admin, made):
    for item in made.items.all():
        for person, outcome in ((reviewer, "pass"), (admin, "fail")):
            claim_item(item.pk, person)
            record_label(item, person, assessed(outcome, note="why"))
    client = client_of(lead)

    assert_tells_nothing(client.get(reverse("reviews:contested", args=[project.slug, made.pk])), "contested")
    for item in made.items.all():
        path = reverse("reviews:decide", args=[project.slug, item.pk])
        for headers in ({}, HTMX):
            assert_tells_nothing(client.get(path, headers=headers), path)
