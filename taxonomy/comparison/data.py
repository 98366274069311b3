"""A candidate against a baseline, paired on the same examples: every figure that the page and the report show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evalhub.errors import EvalHubError
from evalhub.runs.models import Run
from taxonomy.comparison.answers import answers_of
from taxonomy.comparison.caveats import caveats_of
from taxonomy.comparison.figures import Figure, critical_of, judged
from taxonomy.comparison.plan import Plan, plan_for
from taxonomy.comparison.severity import Weighted, weighted_by
from taxonomy.comparison.wording import Headline, headlines_of
from taxonomy.models import SeverityWeights
from taxonomy.statistics.alarms import Answer as Standing
from taxonomy.tree import Tree


class ComparisonError(EvalHubError):
    """These two runs cannot be compared."""


@dataclass(frozen=True)
class Comparison:
    """``first`` is the baseline, ``second`` the candidate that might replace it. Both ran over the same version.

    ``totals``: by people, by the checks, then each check. ``modes``: in the order of the tree, all by people before
    all by checks, a type's own findings behind it where there are types below. ``weighted``: by people, by checks.
    """

    first: Run
    second: Run
    tree: Tree
    totals: tuple[Figure, ...]
    modes: tuple[Figure, ...]
    weighted: tuple[Weighted, ...]
    caveats: tuple[str, ...]
    plan: Plan

    @cached_property
    def regressions(self) -> tuple[Figure, ...]:
        """Modes shown to be worse, the surest first; not those that only repeat a mode below them."""
        worse = [mode for mode in self.tested if mode.standing == Standing.WORSE]
        return tuple(sorted(worse, key=lambda mode: (mode.adjusted, -mode.more)))

    @cached_property
    def improvements(self) -> tuple[Figure, ...]:
        better = [mode for mode in self.tested if mode.standing == Standing.BETTER]
        return tuple(sorted(better, key=lambda mode: (mode.adjusted, mode.more)))

    @cached_property
    def critical(self) -> tuple[Figure, ...]:
        """Critical modes that the second has on outputs on which the first has not, shown to be more often or not."""
        return tuple(critical_of(self.tested))

    @cached_property
    def cannot_tell(self) -> tuple[Figure, ...]:
        """Modes of which the pairs show neither that they became worse nor that they became better."""
        return tuple(mode for mode in self.tested if mode.standing == Standing.CANNOT_TELL)

    @cached_property
    def tested(self) -> tuple[Figure, ...]:
        """The modes that were tested: with pairs, rolled up, and not the same as one below them."""
        return tuple(mode for mode in self.modes if mode.is_tested)

    @cached_property
    def headlines(self) -> tuple[Headline, ...]:
        return headlines_of(self.totals, self.tested, self.first, self.second, self.tree.number)

    def figure(self, key: str) -> Figure | None:
        """By the key of its subject."""
        return next((figure for figure in (*self.totals, *self.modes) if figure.subject.key == key), None)

    def as_json(self) -> dict[str, Any]:
        """All figures, in the order of their names; written out, always the same bytes."""
        return {
            "baseline": run_as_json(self.first),
            "candidate": run_as_json(self.second),
            "cannot_tell": [mode.subject.key for mode in self.cannot_tell],
            "caveats": list(self.caveats),
            "critical": [mode.subject.key for mode in self.critical],
            "headlines": [headline.as_json() for headline in self.headlines],
            "modes": [mode.as_json() for mode in self.modes],
            "regressions": [mode.subject.key for mode in self.regressions],
            "taxonomy_version": self.tree.number,
            "totals": [total.as_json() for total in self.totals],
            "weighted": [weighted.as_json() for weighted in self.weighted],
        }


def run_as_json(run: Run) -> dict[str, Any]:
    return {
        "candidate": run.candidate.name,
        "repeats": run.repeats,
        "run": run.pk,
        "version": str(run.version),
        "version_hash": run.version.content_hash,
    }


def comparison_of(first: Run, second: Run, tree: Tree) -> Comparison:
    """Compare ``second`` with the baseline ``first``; what counts where is decided by ``tree``.

    Raises ComparisonError when no two outputs of the runs answer the same example.
    """
    if first.pk == second.pk:
        raise ComparisonError("A run cannot be compared with itself. Choose another one as the baseline.")
    if first.version_id != second.version_id:
        raise ComparisonError(
            f"{first.candidate.name} ran over {first.version}, {second.candidate.name} over {second.version}: no two of"
            " their outputs answer the same example. Start a run of one of them over the other one's version."
        )
    plan = plan_for(first, tree)
    answers = answers_of(first, second)
    over_examples = answers.shares_clusters or max(first.repeats, second.repeats) > 1
    found = judged(plan.figures(answers, over_examples))
    totals = tuple(figure for figure in found if figure.subject.is_total)
    modes = tuple(figure for figure in found if not figure.subject.is_total)
    weights = SeverityWeights.objects.filter(project=first.project_id).first() or SeverityWeights()
    weighted = weighted_by(answers.by_verdict, plan, weights)
    return Comparison(first, second, tree, totals, modes, weighted, caveats_of(first, second, totals, modes), plan)
