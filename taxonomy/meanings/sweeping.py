"""Finds the runs whose verdicts no message brought in line with their checks, or whose message was lost."""

from __future__ import annotations

from taxonomy.meanings.finding import due_outputs
from taxonomy.meanings.notes import keep_note, runs_without_note, standing_of

# Of one sweep; the next one goes on. A look at a large run takes a tenth of a second.
MOST_RUNS = 50
MOST_LOOKS = 500


def runs_to_find_in() -> list[int]:
    """The ids of runs whose verdicts are not what their checks say, the newest first, at most MOST_RUNS.

    The others are noted, so that a sweep with nothing to do reads notes only.
    """
    found: list[int] = []
    for run in runs_without_note(MOST_LOOKS):
        standing = standing_of(run)
        if due_outputs(run):
            found.append(run.pk)
        else:
            keep_note(run, standing)
        if len(found) == MOST_RUNS:
            break
    return found
