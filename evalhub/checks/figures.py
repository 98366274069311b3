"""What the checks said, counted. One statement for any number of runs; the index holds all that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count

from evalhub.checks.models import Score
from evalhub.checks.rates import upper_bound, wilson
from evalhub.runs.models import Run


@dataclass(slots=True)
class Tally:
    """What one check said of a number of outputs. ``causes`` counts the failed ones by cause."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    causes: dict[str, int] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        """The outputs that the check could be applied to: what its shares are of."""
        return self.passed + self.failed

    @property
    def scored(self) -> int:
        return self.judged + self.skipped

    @property
    def share_passed(self) -> float | None:
        return self.passed / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share that passed."""
        return wilson(self.passed, self.judged)

    @property
    def failed_at_most(self) -> float | None:
        """If none failed: the share that fails is at most this. None if some did, or nothing was judged."""
        return None if self.failed else upper_bound(self.judged)

    @property
    def causes_by_count(self) -> list[tuple[str, int]]:
        return sorted(self.causes.items(), key=lambda item: (-item[1], item[0]))

    def add(self, outcome: str, cause: str, count: int) -> None:
        match outcome:
            case Score.Outcome.PASSED:
                self.passed += count
            case Score.Outcome.FAILED:
                self.failed += count
                self.causes[cause] = self.causes.get(cause, 0) + count
            case Score.Outcome.SKIPPED:
                self.skipped += count


def tallies(runs: Iterable[Run]) -> dict[int, Tally]:
    """What each check, retired ones too, said of the runs' outputs: {check's id: Tally}."""
    found: dict[int, Tally] = {}
    counts = (
        Score.objects.filter(run__in=[run.pk for run in runs])
        .values_list("by", "outcome", "cause")
        .annotate(count=Count("*"))  # not a column, so that the index alone is read
    )
    for check, outcome, cause, count in counts.order_by():
        found.setdefault(check, Tally()).add(outcome, cause, count)
    return found
