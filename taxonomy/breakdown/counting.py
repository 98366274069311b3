"""The outputs behind a figure: listed on a page, and exported. The figures themselves are counted in ``data``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from evalhub.checks.disagreements import failed_outputs, passed_outputs
from evalhub.errors import EvalHubError
from evalhub.projects.models import Project
from evalhub.runs.models import Output, Run
from taxonomy.breakdown.filters import FilterError, Filters, ListsOfOne, number_in
from taxonomy.breakdown.narrowing import Narrowing, narrowing_of
from taxonomy.models import Finding, Source, Verdict
from taxonomy.tree import Tree, TreeType
from taxonomy.versions import VersionError, tree_of

NAMES = ("run", "error_type", "own", "source", "outcome", "right", "as_of", "tag", "round")
"""Of the query string of the page, and of the filters of an export."""
UNKNOWN = "unknown"
"""As ``error_type``: those that the version of the taxonomy does not know yet."""

BOTH = "both"
"""As ``source``: whoever says it; without an error type every output that has a verdict, which verifies a report."""


class CountedError(EvalHubError):
    """No figure of the breakdown counts such outputs."""


class NoSuchTypeError(CountedError):
    """The project has no such error type."""


@dataclass(frozen=True)
class Counted:
    """Which outputs of a run a figure counts.

    ``row``: the error type's row in ``tree``; all below it count too, unless ``is_own``. ``is_unknown``: types that the
    tree does not have. ``source``: whose findings, or who settled it; "" is people, or with an error type either,
    as BOTH is in any case.
    """

    run: Run
    tree: Tree
    narrowing: Narrowing
    row: TreeType | None = None
    is_unknown: bool = False
    is_own: bool = False
    source: str = ""
    outcome: str = ""
    right: str = ""
    tag: str = ""
    is_as_of: bool = False

    @property
    def names_types(self) -> bool:
        return self.row is not None or self.is_unknown

    @property
    def title(self) -> str:
        """Which outputs, as a heading."""
        if self.right:
            return f"Outputs {'right' if self.right == 'yes' else 'wrong'} by the checks"
        if self.row is not None:
            return f"{self.row.name}, the type alone" if self.is_own else self.row.name
        if self.is_unknown:
            return "Error types that this version does not know"
        if self.source == BOTH:
            return "Outputs with a verdict"
        if self.source == Source.CHECK:
            return "Outputs in which a check found something"
        return {"fail": "Failed outputs", "pass": "Passed outputs"}.get(self.outcome, "Settled outputs")

    @property
    def notes(self) -> list[str]:
        """What else the outputs have in common."""
        said = {Source.PEOPLE.value: "found by people", Source.CHECK.value: "found by checks"}
        notes = [said[self.source]] if self.names_types and self.source in said else []
        if self.names_types and self.outcome:
            notes.append("settled as fail" if self.outcome == Verdict.Outcome.FAIL else "settled as pass")
        notes += [f"tag “{self.tag}”"] if self.tag else []
        notes += [f"review round “{self.narrowing.round_name}”"] if self.narrowing.round_name else []
        return notes + ([f"as of version {self.tree.number} of the error types"] if self.is_as_of else [])

    @property
    def description(self) -> str:
        """As words within a sentence, for the list of exports."""
        named = f"error type “{self.row.name}”" if self.row else self.title[0].lower() + self.title[1:]
        return ", ".join([named, *(["the type alone"] if self.row and self.is_own else []), *self.notes])

    def outputs(self) -> QuerySet[Output]:
        return outputs_by_checks(self) if self.right else outputs_by_verdict(self)


def counted_of(project: Project, run: Run, parameters: Mapping[str, str]) -> Counted:
    """Which outputs of the run the address means; see NAMES.

    Raises CountedError at a value that cannot be, NoSuchTypeError where the project has no such error type.
    """
    given = {name: parameters.get(name, "") or "" for name in NAMES}
    for name, allowed in CHOICES.items():
        if given[name] and given[name] not in allowed:
            raise CountedError(f"“{name}” must be {' or '.join(allowed)}.")
    try:
        filters = Filters.parsed(ListsOfOne({name: given[name] for name in ("as_of", "tag", "round")}))
        tree = tree_of(project, filters.as_of)
        narrowing = narrowing_of(project, filters, [run.version_id])
        key = number_in(given["error_type"], "error_type") if given["error_type"] != UNKNOWN else None
    except (FilterError, VersionError) as error:
        raise CountedError(str(error)) from error
    return Counted(
        run=run,
        tree=tree,
        narrowing=narrowing,
        row=row_of(tree, key) if key is not None else None,
        is_unknown=given["error_type"] == UNKNOWN,
        is_own=given["own"] == "yes",
        source=given["source"],
        outcome=given["outcome"],
        right=given["right"],
        tag=filters.tag,
        is_as_of=filters.as_of is not None,
    )


CHOICES = {
    "own": ("yes",),
    "source": (*Source.values, BOTH),
    "outcome": tuple(Verdict.Outcome.values),
    "right": ("yes", "no"),
}


def row_of(tree: Tree, key: int) -> TreeType:
    """The row of the error type, or of the one that it is merged into."""
    found = tree.resolve(key)
    if found is None:
        raise NoSuchTypeError(f"Version {tree.number} of the taxonomy has no such error type. Choose another one.")
    return tree.types[found]


def counted_outputs(project: Project, run: Run, parameters: Mapping[str, str]) -> QuerySet[Output]:
    """The outputs of a run that a figure counts, by the names and values of its link. Raises as ``counted_of``."""
    return counted_of(project, run, parameters).outputs()


def outputs_by_checks(counted: Counted) -> QuerySet[Output]:
    """Right or wrong by the active checks. As in shares_right, a missing answer is wrong, whether or not a check could
    be applied to it."""
    runs = [counted.run]
    unanswered = Output.objects.filter(run=counted.run).exclude(error_cause="")
    found = passed_outputs(runs) if counted.right == "yes" else failed_outputs(runs) | unanswered
    return found.filter(counted.narrowing.of_outputs())


def outputs_by_verdict(counted: Counted) -> QuerySet[Output]:
    found = Output.objects.filter(counted.narrowing.of_outputs(), run=counted.run)
    if counted.outcome:
        found = found.filter(verdict__outcome=counted.outcome)
    if counted.names_types or counted.source == Source.CHECK:
        findings = Finding.objects.filter(of_findings(counted), run=counted.run)
        return found.filter(verdict__in=findings.values("verdict"))
    return (
        found.filter(verdict__isnull=False) if counted.source == BOTH else found.filter(verdict__source=Source.PEOPLE)
    )


def of_findings(counted: Counted) -> Q:
    """As a condition of Finding: the ones by which the outputs are counted."""
    said = Q(source=counted.source) if counted.source in Source else Q()
    if counted.is_unknown:
        return said & ~Q(error_type__in=list(counted.tree.types))
    if counted.row is None:
        return said
    key = counted.row.pk
    own = [each for each in counted.tree.types if counted.tree.resolve(each) == key]
    return said & Q(error_type__in=own if counted.is_own else sorted(counted.tree.carriers(key)))
