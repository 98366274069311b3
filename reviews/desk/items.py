"""One item as the desk asks for it: with all that stands on it, or only what decides about it.

Both are asked with every label, so each is one statement. Items of another project are not found.
"""

from __future__ import annotations

from typing import Any

from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import Example
from evalhub.projects.models import Project, User
from evalhub.runs.models import Output, Run
from reviews.models import Draft, ReviewItem, Round
from reviews.rows import Columns, first_row

# The person is named for the round, or nobody is: as ``progress.may_label``, in the question for the row.
IS_OF_ROUND = """(
    EXISTS (SELECT FROM reviews_round_reviewers WHERE round_id = round.id AND user_id = %(me)s)
    OR NOT EXISTS (SELECT FROM reviews_round_reviewers WHERE round_id = round.id)
)"""
ITEM, ROUND = Columns(ReviewItem, "item"), Columns(Round, "round")
OUTPUT, EXAMPLE = Columns(Output, "output"), Columns(Example, "example")
RUN, CANDIDATE, DRAFT = Columns(Run, "run"), Columns(Candidate, "candidate"), Columns(Draft, "draft")
BARE = f"""
SELECT {IS_OF_ROUND}, {ITEM.sql}, {ROUND.sql}
FROM reviews_reviewitem AS item JOIN reviews_round AS round ON round.id = item.round_id
WHERE item.id = %(item)s AND round.project_id = %(project)s
"""  # noqa: S608 -- made of names of our own columns
# The run and its candidate only where they may be named.
WHOLE = f"""
SELECT {IS_OF_ROUND}, deferral.reason,
    EXISTS (SELECT FROM reviews_label WHERE item_id = item.id AND reviewer_id = %(me)s),
    {ITEM.sql}, {ROUND.sql}, {OUTPUT.sql}, {EXAMPLE.sql}, {RUN.sql}, {CANDIDATE.sql}, {DRAFT.sql}
FROM reviews_reviewitem AS item
JOIN reviews_round AS round ON round.id = item.round_id
JOIN runs_output AS output ON output.id = item.output_id
JOIN evalsets_example AS example ON example.id = output.example_id
LEFT JOIN runs_run AS run ON run.id = output.run_id AND NOT round.is_blind
LEFT JOIN candidates_candidate AS candidate ON candidate.id = run.candidate_id
LEFT JOIN reviews_draft AS draft ON draft.item_id = item.id AND draft.reviewer_id = %(me)s
LEFT JOIN reviews_deferral AS deferral ON deferral.item_id = item.id AND deferral.reviewer_id = %(me)s
WHERE item.id = %(item)s AND round.project_id = %(project)s
"""  # noqa: S608 -- made of names of our own columns


def bare_item(project: Project, pk: int, person: User) -> Any | None:
    """One item without its texts, with its round, and whether the person ``may_label`` there."""
    row = first_row(BARE, {"me": person.pk, "item": pk, "project": project.pk})
    if row is None:
        return None
    values = iter(row)
    may_label = next(values)
    item: Any = ITEM.take(values)
    item.may_label, item.round = may_label, ROUND.take(values)
    return item


def whole_item(project: Project, pk: int, person: User) -> Any | None:
    """One item with all that the desk reads.

    Of the person: whether they ``may_label`` it and whether it ``has_label`` of theirs, their ``draft`` of it, and
    ``deferred_because`` they put it off.
    """
    row = first_row(WHOLE, {"me": person.pk, "item": pk, "project": project.pk})
    if row is None:
        return None
    values = iter(row)
    may_label, deferred_because, has_label = (next(values) for _ in range(3))
    item: Any = ITEM.take(values)
    item.may_label, item.deferred_because, item.has_label = may_label, deferred_because, has_label
    item.round, item.output = ROUND.take(values), OUTPUT.take(values)
    item.output.example = EXAMPLE.take(values)
    run: Any = RUN.take(values)
    candidate, draft = CANDIDATE.take(values), DRAFT.take(values)
    if run:
        item.output.run, run.candidate = run, candidate
    item.draft = draft.said if draft else None
    return item
