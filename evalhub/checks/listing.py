"""The list of outputs behind a number: its entries, and the choices of its filters with their counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.checks.choosing import Wanted
from evalhub.checks.describing import cause_title
from evalhub.checks.excerpts import answer_excerpt, expected_excerpt, joined, request_excerpt
from evalhub.checks.figures import Tally, tallies
from evalhub.checks.kinds.base import Judgement
from evalhub.checks.models import Check, Score
from evalhub.projects.models import Project
from evalhub.runs.models import Output, Run


@dataclass(frozen=True, slots=True)
class Entry:
    """One output and what one check says of it, or would say."""

    output: Output
    run: Run
    outcome: Score.Outcome
    cause: str
    message: str
    answer: str
    check: Check | None = None

    @property
    def request(self) -> str:
        return request_excerpt(self.output.example.request)

    @property
    def expected(self) -> str:
        return expected_excerpt(self.output.example.expected_kind, self.output.example.expected)


def entry_of_score(score: Any) -> Entry:
    """A score of ``choosing.chosen_scores``."""
    return Entry(
        output=score.output,
        run=score.run,
        outcome=Score.Outcome(score.outcome),
        cause=cause_title(score.by, score.cause),
        message=score.message,
        answer=answer_excerpt(joined(score.beginning, score.ending, score.length), score.output.tool_calls),
        check=score.by,
    )


def entry_of_trial(check: Check, output: Output, judgement: Judgement) -> Entry:
    return Entry(
        output=output,
        run=output.run,
        outcome=Score.Outcome(judgement.outcome.value),
        cause=cause_title(check, judgement.cause),
        message=judgement.message,
        answer=answer_excerpt(output.text, output.tool_calls),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a filter; ``count`` is the number of scores it leaves."""

    value: str
    label: str
    count: int
    is_chosen: bool


def choices_of(project: Project, runs: Sequence[Run], wanted: Wanted) -> dict[str, list[Choice]]:
    """The choices of each filter, each counted with the filters before it: check, then outcome, then cause."""
    found = tallies(runs)
    known = Check.objects.in_project(project).filter(pk__in=found)
    checks = [check for check in known if not check.retired_at or check.pk == wanted.check]
    chosen = [check for check in checks if wanted.check in (None, check.pk)]
    said = sum_up(found[check.pk] for check in chosen)
    by_outcome = {"passed": said.passed, "failed": said.failed, "skipped": said.skipped}
    causes = said.causes_by_count if len(chosen) == 1 and wanted.outcome in ("", Score.Outcome.FAILED) else []
    if wanted.cause and wanted.cause not in dict(causes):
        causes.append((wanted.cause, 0))  # else the filter would show “any” above an empty list
    return {
        "checks": [
            Choice(str(check.pk), check.name, found[check.pk].scored, check.pk == wanted.check) for check in checks
        ],
        "outcomes": [
            Choice(value, label, by_outcome[value], value == wanted.outcome) for value, label in Score.Outcome.choices
        ],
        "causes": [
            Choice(cause, cause_title(chosen[0], cause) if chosen else cause, count, cause == wanted.cause)
            for cause, count in causes
        ],
    }


def sum_up(parts: Iterable[Tally]) -> Tally:
    whole = Tally()
    for part in parts:
        whole.passed += part.passed
        whole.failed += part.failed
        whole.skipped += part.skipped
        for cause, count in part.causes.items():
            whole.causes[cause] = whole.causes.get(cause, 0) + count
    return whole
