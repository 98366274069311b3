"""What the checks of an eval set mean, as people read it: for each cause the error type that its failures have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection

from evalhub.checks.describing import cause_title
from evalhub.checks.kinds import KINDS
from evalhub.checks.models import Check, Score
from evalhub.checks.rows import CheckRow, check_rows
from evalhub.checks.trials import newest_runs
from evalhub.evalsets.models import EvalSet
from evalhub.runs.models import Run
from taxonomy.meanings.defaults import codes_of
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import MEANING

Found = TypeVar("Found")

BY_CHECK = f"""
SELECT judge.name, meaning.error_type_id FROM checks_score AS said
JOIN checks_check AS judge ON judge.id = said.check_id AND judge.retired_at IS NULL
CROSS JOIN LATERAL {MEANING}
WHERE said.output_id = %s AND said.outcome = 'failed' ORDER BY judge.id
"""  # noqa: S608 -- constants


def plain_cause(cause: str) -> str:
    """Without the field that it may name."""
    return cause.partition(":")[0]


def fitting(meanings: Mapping[str, Found], cause: str) -> Found | None:
    """What a cause means, by meanings that each have their cause; None: nothing. As ``settling.MEANING`` has it."""
    return next((meanings[name] for name in (cause, plain_cause(cause), "") if name in meanings), None)


@dataclass(frozen=True, slots=True)
class CauseMeaning:
    """A cause of a check: in how many outputs it occurs, and what it means.

    ``own``: the type that this cause has itself; ``error_type``: the one that counts, which it may have from ``above``,
    the same cause with whatever field, or every cause of the check. ``query`` asks for the outputs.
    """

    cause: str
    title: str
    definition: str
    count: int
    query: str
    own: ErrorType | None
    error_type: ErrorType | None
    above: str | None
    is_certain: bool

    @property
    def is_part(self) -> bool:
        """Whether it is a cause with one field, below that cause."""
        return self.above is not None and self.above == plain_cause(self.cause)


@dataclass(frozen=True, slots=True)
class CheckMeanings:
    """A check with its causes: those it knows, each followed by those with a field, and others that occur."""

    check: Check
    causes: list[CauseMeaning]

    @property
    def kind(self) -> str:
        return KINDS[self.check.kind].title if self.check.kind in KINDS else self.check.kind


@dataclass(frozen=True, slots=True)
class Meanings:
    """The active checks of an eval set; counts are of the newest run of each candidate."""

    checks: list[CheckMeanings]
    runs: list[Run]


def meanings_of(eval_set: EvalSet, check: Check | None = None) -> Meanings:
    """What its active checks mean, or only the given one."""
    runs = newest_runs(eval_set)
    active = eval_set.checks.active().order_by("pk")
    rows = check_rows(active if check is None else active.filter(pk=check.pk), runs)
    own: dict[int, dict[str, ErrorType]] = {}
    types = CheckMeaning.objects.filter(by__in=[row.check.pk for row in rows])
    for meaning in types.select_related("error_type__merged_into"):
        own.setdefault(meaning.by_id, {})[meaning.cause] = meaning.error_type
    return Meanings([CheckMeanings(row.check, causes_of(row, own.get(row.check.pk, {}))) for row in rows], runs)


def causes_of(row: CheckRow, own: Mapping[str, ErrorType]) -> list[CauseMeaning]:
    check, counts = row.check, row.tally.causes
    certain = codes_of(check.kind, check.name, check.parameters)
    known = [cause.code for cause in KINDS[check.kind].causes] if check.kind in KINDS else []
    there = {*known, *counts, *own} - {""}
    plain = [*known, *sorted({plain_cause(cause) for cause in there} - set(known))]
    ordered = [each for name in plain for each in (name, *sorted(c for c in there if c.startswith(f"{name}:")))]
    return [
        CauseMeaning(
            cause,
            title_of(check, cause),
            KINDS[check.kind].cause(cause).definition if cause and check.kind in KINDS else "",
            counts.get(cause, 0),
            row.query(Score.Outcome.FAILED, cause),
            own.get(cause),
            fitting(own, cause),
            above_of(own, cause),
            plain_cause(cause) in certain,
        )
        for cause in [*ordered, *([""] if "" in own else [])]
    ]


def above_of(own: Mapping[str, ErrorType], cause: str) -> str | None:
    """The cause that stands for this one where it has no meaning itself; None: there is none."""
    plain = plain_cause(cause)
    if plain != cause:
        return plain
    return "" if cause and "" in own else None


def title_of(check: Check, cause: str) -> str:
    return cause_title(check, cause) or "Every other cause"


def found_by_checks(output_id: int) -> list[tuple[str, int]]:
    """(name of the check, key of the error type) for each active check that fails the output and means something."""
    with connection.cursor() as cursor:
        cursor.execute(BY_CHECK, [output_id])
        return [(name, key) for name, key in cursor.fetchall()]
