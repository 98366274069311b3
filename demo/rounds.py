"""The demo's review rounds: a first read in words, the disagreements of a month, and practice for who is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from demo.reviewing import plausible_label
from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run
from reviews.assessment import Assessment
from reviews.calibration.known import mark_known
from reviews.calibration.practice import make_practice_round
from reviews.labelling import record_label
from reviews.making.planning import fill_round, plan_round
from reviews.models import Label, Reason, ReviewItem, Round
from reviews.queue import claim_next_item, labels_left
from taxonomy.models import ErrorType

FIRST_READ, DISAGREEMENTS, PRACTICE = "First read, in words", "October disagreements", "Practice for new reviewers"
GUIDELINES = (
    "Would you let this answer go to the program behind the inbox? "
    "A fence around right JSON is a fail: the program cannot read it."
)
LABELLED_SHARE = 0.45
SHARED_PERCENT = 30  # of the items, that two people read
OVERLOOKS_EACH = 4
TO_PRACTISE = 6


def load_rounds(project: Project, runs: Sequence[Run], people: Sequence[User]) -> None:
    """``people``: the leads and reviewers, a lead first. Safe to repeat: what is there is gone on with."""
    # The first read comes first, so that what was said with error types later is what counts.
    notes = Round.objects.filter(project=project, name=FIRST_READ).first() or plan_round(
        project, FIRST_READ, runs, {Reason.FAILED_CHECK: 9}, people[0], hides_types=True, seed="first read",
        guidelines="Say in a note what broke, in your own words. The error types come after.",
    )  # fmt: skip
    label_in(notes, people, 1.0)
    wanted = {Reason.FAILED_CHECK: 60, Reason.DIFFERS: 20, Reason.AUDIT: 15}
    made = Round.objects.filter(project=project, name=DISAGREEMENTS).first() or plan_round(
        project, DISAGREEMENTS, runs, wanted, people[0], guidelines=GUIDELINES, labels_wanted=2,
        shared_percent=SHARED_PERCENT, seed="demo",
    )  # fmt: skip
    label_in(made, people, LABELLED_SHARE)
    if not Round.objects.filter(project=project, name=PRACTICE).exists():
        load_practice(project, runs, people[0])


def label_in(made: Round, people: Sequence[User], share: float) -> None:
    """Fill the round and give that share of its labels; the rest waits in the queue."""
    fill_round(made.pk)
    types = {error_type.code: error_type for error_type in ErrorType.objects.filter(project=made.project_id)}
    made.refresh_from_db()
    for turn in range(int(made.labels_planned * share) - (made.labels_planned - labels_left(made))):
        reviewer = people[turn % len(people)]
        claimed = claim_next_item(made, reviewer)
        if claimed is None:
            return
        item = ReviewItem.objects.select_related("output__example").get(pk=claimed)
        label = label_of(item.output)
        if not label:
            continue
        if item.label_count and item.pk % OVERLOOKS_EACH == 0:
            label = overlooked(label)
        recorded = record_label(item, reviewer, assessment_of(label, {} if made.hides_types else types))
        # As long as a person would take for it: pages tell paces, and this reviewer reads in no time.
        seconds = 6 + len(item.output.text) / 25 + 4 * len(label["error_types"])
        Label.objects.filter(pk=recorded.pk).update(seconds=seconds)


def label_of(output: Output) -> dict[str, Any] | None:
    return plausible_label(output.example.expected_kind, output.example.expected, output.text, output.tool_calls)


def assessment_of(label: dict[str, Any], types: Mapping[str, ErrorType]) -> Assessment:
    """``types`` by their codes; none where people see none."""
    keys = frozenset(types[code].pk for code in label["error_types"]) if types else frozenset()
    return Assessment(label["outcome"], keys, label["note"])


def overlooked(label: dict[str, Any]) -> dict[str, Any]:
    """What somebody says who did not see the worst of it: people differ, and the demo shows how that is settled."""
    left = label["error_types"][1:]
    note = "Fine but for one thing." if left else ""
    return {"outcome": "fail" if left else "pass", "error_types": left, "note": note}


def load_practice(project: Project, runs: Sequence[Run], lead: User) -> None:
    """Known answers, each another kind of mistake or none, and a round of them."""
    types = {error_type.code: error_type for error_type in ErrorType.objects.filter(project=project)}
    unread = Output.objects.filter(run__in=runs, error_cause="").exclude(
        pk__in=ReviewItem.objects.filter(round__project=project).values("output")
    )
    known, shown = [], set()
    for output in unread.select_related("example", "run__project").order_by("example__position", "run"):
        label = label_of(output)
        codes = tuple(label["error_types"]) if label else ()
        if not label or codes in shown:
            continue
        shown.add(codes)
        said = assessment_of(label, types)
        note = said.note or "Every field is as the team agreed, and the program can read it."
        known.append(mark_known(output, lead, replace(said, note=note)))
        if len(known) == TO_PRACTISE:
            break
    make_practice_round(project, PRACTICE, known, lead, guidelines=GUIDELINES)
