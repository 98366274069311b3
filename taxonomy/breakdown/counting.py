"""The outputs behind a figure of the breakdown: listed on a page, and exported."""

from __future__ import annotations

from django.db.models import QuerySet

from evalhub.checks.disagreements import failed_outputs, passed_outputs
from evalhub.errors import EvalHubError
from evalhub.runs.models import Output, Run
from taxonomy.models import ErrorType, Source, Verdict


class CountedError(EvalHubError):
    """No figure of the breakdown counts such outputs."""


def counted_outputs(run: Run, error_type: ErrorType | None, outcome: str = "", right: str = "") -> QuerySet[Output]:
    """The outputs of a run that a figure counts: by people's verdict, by error type, or right by the checks.

    Raises CountedError at an outcome that is neither pass nor fail, or a “right” that is neither yes nor no.
    """
    if right not in {"", "yes", "no"}:
        raise CountedError("“right” must be yes or no.")
    if outcome and outcome not in Verdict.Outcome:
        raise CountedError("“outcome” must be pass or fail.")
    if right:
        # As in shares_right: a missing answer is wrong, whether or not a check could be applied to it.
        unanswered = Output.objects.filter(run=run).exclude(error_cause="")
        return passed_outputs([run]) if right == "yes" else failed_outputs([run]) | unanswered
    found = Output.objects.filter(run=run, verdict__source=Source.PEOPLE)
    if outcome:
        found = found.filter(verdict__outcome=outcome)
    if error_type:
        carriers = [error_type.pk, *error_type.children.values_list("pk", flat=True)]
        found = found.filter(
            verdict__in=Verdict.objects.filter(
                run=run, findings__source=Source.PEOPLE, findings__error_type__in=carriers
            )
        )
    return found
