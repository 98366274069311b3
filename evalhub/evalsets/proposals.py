"""Proposed corrections as a lead looks at them: those for one example together, beside what is expected now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from evalhub.evalsets.correcting import newest_version, present_examples
from evalhub.evalsets.corrections import editable_text
from evalhub.evalsets.models import Correction, EvalSet, EvalSetVersion, Example
from evalhub.projects.models import Project
from evalhub.web.differences import ShownPiece, with_gaps, word_difference


@dataclass(frozen=True)
class Proposal:
    """One person's, with its difference from what is expected now; ``text`` is what the lead may change."""

    correction: Correction
    pieces: Sequence[ShownPiece]
    text: str
    is_chosen: bool
    says_present: bool
    """What it proposes is expected already, in the newest version."""


@dataclass(frozen=True)
class Group:
    """The open proposals for one example. ``example`` is that of the newest version, or, gone there, the one meant."""

    example: Example
    is_gone: bool
    proposals: Sequence[Proposal]


def of_eval_set(eval_set: EvalSet) -> QuerySet[Correction]:
    return Correction.objects.filter(example__version__eval_set=eval_set)


def open_examples(eval_set: EvalSet) -> QuerySet[Correction]:
    """The first open proposal for each example, which stands for all of it: what the list is paged by."""
    found = of_eval_set(eval_set).filter(state=Correction.State.OPEN)
    return found.exclude(Exists(found.filter(example__key=OuterRef("example__key"), pk__lt=OuterRef("pk"))))


def groups_of(eval_set: EvalSet, leaders: Sequence[Correction], typed: Mapping[int, str | None]) -> list[Group]:
    """All open proposals for the examples that ``leaders`` stand for, in their order.

    ``typed``: those that the lead had chosen, with the text as it was typed, where something else was wrong.
    """
    keys = list(dict.fromkeys(leader.example.key for leader in leaders))
    proposals = of_eval_set(eval_set).filter(state=Correction.State.OPEN, example__key__in=keys)
    proposals = proposals.select_related("example__version", "proposed_by").order_by("pk")
    present = present_examples(eval_set, keys)
    of_key: dict[str, list[Correction]] = {key: [] for key in keys}
    for proposal in proposals:
        of_key[proposal.example.key].append(proposal)
    return [
        Group(
            present.get(key) or proposed[0].example,
            key not in present,
            [shown_proposal(each, present.get(key) or each.example, typed) for each in proposed],
        )
        for key, proposed in of_key.items()
        if proposed
    ]


def shown_proposal(correction: Correction, now: Example, typed: Mapping[int, str | None]) -> Proposal:
    expected = editable_text(now.expected_kind, now.expected)
    proposed = "" if correction.is_open_ended else editable_text(correction.expected_kind, correction.expected)
    return Proposal(
        correction=correction,
        pieces=[] if correction.is_open_ended else with_gaps(word_difference(expected, proposed)),
        text=typed.get(correction.pk) or proposed,
        is_chosen=correction.pk in typed,
        says_present=not correction.is_open_ended and expected == proposed,
    )


def decided(eval_set: EvalSet) -> QuerySet[Correction]:
    found = of_eval_set(eval_set).exclude(state=Correction.State.OPEN)
    return found.select_related("example__version", "proposed_by", "decided_by", "accepted_into")


def counts_of(eval_set: EvalSet) -> dict[str, int]:
    """How many proposals, not examples, are ``open_count`` and ``decided_count``."""
    is_open = Q(state=Correction.State.OPEN)
    return of_eval_set(eval_set).aggregate(
        open_count=Count("pk", filter=is_open), decided_count=Count("pk", filter=~is_open)
    )


def open_in(project: Project) -> list[tuple[EvalSet, int]]:
    """The eval sets with open proposals, and how many each has; most first."""
    found = Correction.objects.in_project(project).filter(state=Correction.State.OPEN)
    counts = dict(found.order_by().values_list("example__version__eval_set").annotate(proposals=Count("pk")))
    sets = EvalSet.objects.in_project(project).in_bulk(counts)
    return sorted(((sets[pk], count) for pk, count in counts.items()), key=lambda row: (-row[1], row[0].name))


def count_corrected(version: EvalSetVersion) -> int:
    """Examples whose expected answer was corrected in the version; several proposals may have said so of one."""
    accepted = version.corrections.filter(state=Correction.State.ACCEPTED)
    return accepted.aggregate(examples=Count("example__key", distinct=True))["examples"]


def next_number(eval_set: EvalSet) -> int:
    """The number of the version that accepted corrections go into."""
    newest = newest_version(eval_set)
    return 1 if newest is None else newest.number + newest.is_published
