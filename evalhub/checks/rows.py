"""A check with its figures, as tables and charts show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalhub.checks.choosing import MOST_RUNS, Wanted, query_of
from evalhub.checks.describing import Setting, cause_title, kind_description, settings_of
from evalhub.checks.figures import Tally, tallies
from evalhub.checks.kinds import KINDS
from evalhub.checks.models import Check, Score
from evalhub.checks.rates import wilson
from evalhub.runs.models import Run
from evalhub.web.charts import Bar


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One class of what a check found wrong: ``count`` of the ``judged`` outputs. ``query`` asks for them."""

    title: str
    count: int
    judged: int
    query: str

    @property
    def share(self) -> float:
        return self.count / self.judged

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.count, self.judged)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check and what it said of the outputs of some runs. The queries ask for the outputs behind each number."""

    check: Check
    tally: Tally
    runs: tuple[int, ...]

    @property
    def is_known(self) -> bool:
        """Whether this version has checks of its kind, so that it can be changed."""
        return self.check.kind in KINDS

    @property
    def description(self) -> str:
        return kind_description(self.check)

    @property
    def settings(self) -> list[Setting]:
        return settings_of(self.check)

    @property
    def passed_query(self) -> str:
        return self.query(Score.Outcome.PASSED)

    @property
    def failed_query(self) -> str:
        return self.query(Score.Outcome.FAILED)

    @property
    def skipped_query(self) -> str:
        return self.query(Score.Outcome.SKIPPED)

    @property
    def scored_query(self) -> str:
        return self.query()

    @property
    def causes(self) -> list[CauseRow]:
        return [
            CauseRow(
                cause_title(self.check, cause) or "Failed",
                count,
                self.tally.judged,
                self.query(Score.Outcome.FAILED, cause),
            )
            for cause, count in self.tally.causes_by_count
        ]

    def query(self, outcome: str = "", cause: str = "") -> str:
        return query_of(Wanted(self.runs, self.check.pk, outcome, cause))

    def bar(self, address: str) -> Bar:
        """The share that passed; ``address`` is that of the list of outputs."""
        tally = self.tally
        return Bar(self.check.name, tally.passed, tally.judged, tally.interval, f"{address}?{self.passed_query}")


def check_rows(checks: Iterable[Check], runs: Sequence[Run]) -> list[CheckRow]:
    """A row for each check, over at most MOST_RUNS runs: as many as an address may name."""
    runs = runs[:MOST_RUNS]
    keys, found = tuple(run.pk for run in runs), tallies(runs)
    return [CheckRow(check, found.get(check.pk, Tally()), keys) for check in checks]
