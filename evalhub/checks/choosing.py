"""Which scores a list shows, read from an address. What is not known there is refused, not passed over."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.db.models.functions import Left, Length, Right
from django.http import QueryDict

from evalhub.checks.excerpts import ENDING, LONGEST
from evalhub.checks.models import Check, Score
from evalhub.checks.trials import newest_runs
from evalhub.errors import EvalHubError
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from evalhub.web.paging import whole

ALLOWED = frozenset({"run", "check", "outcome", "cause", "after", "before"})
MOST_RUNS = 50
NEWEST_RUNS = 10  # shown when the address names none
LONGEST_CAUSE = 80


class AddressError(EvalHubError):
    """The address asks for something that this page does not know."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Runs (none: the newest ones), a check (None: all active ones), an outcome and a cause ("": any)."""

    runs: tuple[int, ...] = ()
    check: int | None = None
    outcome: str = ""
    cause: str = ""


def read_wanted(query: QueryDict) -> Wanted:
    """Read ``?run=1&run=2&check=3&outcome=failed&cause=...``. Raises AddressError."""
    for name in query:
        if name not in ALLOWED:
            raise AddressError("The address has a parameter that this page does not know.")
        if name != "run" and len(query.getlist(name)) > 1:
            raise AddressError(f"“{name}” may stand in the address only once.")
    for name in ("after", "before"):
        if name in query:
            number(str(query[name]), name)
    runs = tuple(dict.fromkeys(number(str(text), "run") for text in query.getlist("run") if text))
    if len(runs) > MOST_RUNS:
        raise AddressError(f"A list shows at most {MOST_RUNS} runs.")
    outcome, cause = query.get("outcome", ""), query.get("cause", "")
    if outcome and outcome not in Score.Outcome:
        raise AddressError(f"“outcome” must be one of {', '.join(Score.Outcome)}.")
    if len(cause) > LONGEST_CAUSE or "\0" in cause:
        raise AddressError("“cause” is not one that a check can find.")
    check = query.get("check", "")
    return Wanted(runs, number(check, "check") if check else None, outcome, cause)


def number(text: str, name: str) -> int:
    value = whole(text)
    if value is None or value < 0:
        raise AddressError(f"“{name}” must be a whole number.")
    return value


def query_of(wanted: Wanted) -> str:
    """The address's part behind the question mark that asks for this."""
    pairs: list[tuple[str, object]] = [("run", run) for run in wanted.runs]
    named = {"check": wanted.check, "outcome": wanted.outcome, "cause": wanted.cause}
    return urlencode(pairs + [(name, value) for name, value in named.items() if value])


def chosen_runs(project: Project, wanted: Wanted, check: Check | None) -> list[Run]:
    """The runs asked for; without any the newest of the check's eval set, or of the project.

    Fewer than asked for if one is not in the project.
    """
    if not wanted.runs and check:
        return newest_runs(check.eval_set)[:MOST_RUNS]
    runs = Run.objects.in_project(project).select_related("candidate").order_by("-pk")
    return list(runs.filter(pk__in=wanted.runs) if wanted.runs else runs[:NEWEST_RUNS])


def chosen_scores(runs: list[Run], wanted: Wanted) -> QuerySet[Score]:
    """The scores, with output and example; of an answer only its text's ``beginning``, ``ending`` and ``length``."""
    scores = Score.objects.filter(run__in=[run.pk for run in runs])
    scores = scores.filter(by=wanted.check) if wanted.check else scores.filter(by__retired_at=None)
    if wanted.outcome:
        scores = scores.filter(outcome=wanted.outcome)
    if wanted.cause:
        scores = scores.filter(cause=wanted.cause)
    return (
        scores.select_related("by", "output__example", "run__candidate")
        .annotate(
            beginning=Left("output__text", LONGEST),
            ending=Right("output__text", ENDING),
            length=Length("output__text"),
        )
        .defer("output__text", "output__raw", "output__example__metadata", "run__plan")
    )
