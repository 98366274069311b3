"""Whether a run's figures are final: it is over, its outputs are scored, and what checks found is in its verdicts."""

from __future__ import annotations

from evalhub.checks.scoring import active_checks, unscored_outputs
from evalhub.runs.models import Run
from taxonomy.meanings.finding import due_outputs

SCORING = "scoring"


def waits_for(run: Run) -> str:
    """The state that it is in before its figures are final: one of a run, or “scoring”; empty once they are."""
    if run.state != Run.State.FINISHED:
        return str(run.state)
    return SCORING if unscored_outputs(run, active_checks(run)) or due_outputs(run) else ""
