"""Items that come into a round later: more for the same reasons, or the whole result of a filter.

How chances stay right. What is drawn for a reason are the outputs of its pool with the smallest random numbers, which
depend on the round's seed alone (see ``choosing``). Adding 20 to 30 that were drawn is drawing 50 with the same seed:
the 30 are among them, and the chance of each output, also of those that are items already, becomes that of drawing 50
at once. So asking for more after a look at the labels favours no output. What is a certain choice, a filter's result,
has the chance 1, whatever else it is there for. Verdicts take the new chances over.

An item stays in the round even when its pool no longer holds it, because a check was retired, say; it keeps its chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from evalhub.errors import EvalHubError
from evalhub.exports.sources import Source, source_of
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Run
from reviews.counting import count_items
from reviews.making.choosing import Chosen
from reviews.making.planning import STORED_AT_ONCE, plan_round, store_items
from reviews.making.pools import Selection, draw, draw_from
from reviews.models import Reason, Round

MOST_AT_ONCE = 200_000
# Pages whose filter can become items, by the kind of their export or list: where a row has its output.
OUTPUT_OF = {"outputs": "pk", "scores": "output_id"} | dict.fromkeys(settings.OUTPUT_LISTS, "pk")

# In the order of their keys, as whoever else locks many items of a round does. Joined: “= ANY” of 100,000 outputs is
# looked through for each item, which takes a minute.
LOCK = """
SELECT item.output_id FROM reviews_reviewitem AS item
JOIN unnest(%(outputs)s::bigint[]) AS chosen (output) ON chosen.output = item.output_id
WHERE item.round_id = %(round)s ORDER BY item.id FOR NO KEY UPDATE OF item
"""
CHANGE = """
UPDATE reviews_reviewitem AS item SET
    reasons = now.reasons || CASE WHEN 'added' = ANY (item.reasons) THEN ARRAY['added'] ELSE '{}' END::varchar[],
    inclusion_probability = CASE WHEN 'added' = ANY (item.reasons) THEN 1 ELSE now.probability END
FROM (
    SELECT output, string_to_array(reasons, ',')::varchar[] AS reasons, probability
    FROM unnest(%(outputs)s::bigint[], %(reasons)s::text[], %(probabilities)s::float8[])
        AS chosen (output, reasons, probability)
) AS now
WHERE item.round_id = %(round)s AND item.output_id = now.output AND NOT item.is_known AND (
    NOT item.reasons @> now.reasons
    OR item.inclusion_probability <> now.probability AND NOT 'added' = ANY (item.reasons)
)
"""
MAKE_CERTAIN = """
UPDATE reviews_reviewitem AS item SET reasons = array_append(item.reasons, 'added'), inclusion_probability = 1
FROM unnest(%(outputs)s::bigint[]) AS chosen (output)
WHERE item.round_id = %(round)s AND item.output_id = chosen.output AND NOT item.is_known
    AND NOT 'added' = ANY (item.reasons)
"""
# Of outputs whose verdict comes from this round: settled here, and in no later round. Locked in the order of their
# keys, as whoever settles outputs or finds by checks does.
FOLLOW = """
WITH due AS MATERIALIZED (
    SELECT output.id, item.inclusion_probability
    FROM reviews_reviewitem AS item JOIN reviews_round AS round ON round.id = item.round_id
    JOIN taxonomy_verdict AS verdict ON verdict.output_id = item.output_id
    JOIN runs_output AS output ON output.id = item.output_id
    WHERE item.round_id = %(round)s AND item.status = 'settled' AND verdict.source = 'people'
        AND NOT item.is_known AND NOT round.is_practice
        AND verdict.inclusion_probability IS DISTINCT FROM item.inclusion_probability
        AND NOT EXISTS (
            SELECT FROM reviews_reviewitem AS later JOIN reviews_round AS its ON its.id = later.round_id
            WHERE later.output_id = item.output_id AND later.round_id > item.round_id AND later.status = 'settled'
                AND NOT later.is_known AND NOT its.is_practice
        )
    ORDER BY output.id FOR NO KEY UPDATE OF output
)
UPDATE taxonomy_verdict AS verdict SET inclusion_probability = due.inclusion_probability
FROM due WHERE verdict.output_id = due.id AND verdict.source = 'people'
"""


class AddingError(EvalHubError):
    """These outputs cannot become items of this round."""


@dataclass(frozen=True)
class Added:
    """``new`` items; ``there``: outputs meant that were items of the round already."""

    new: int
    there: int


def drawn_runs(found: Round, selection: Selection) -> list[Run]:
    """The runs that the round is drawn from; some may have come into it by a filter alone."""
    runs = found.runs.select_related("candidate").order_by("pk")
    return list(runs.filter(pk__in=selection.runs) if selection.runs else runs)


def raised(selection: Selection, more: Mapping[str, int]) -> Selection:
    """With so many more of each run for these reasons. A reason that takes all takes what is new in its pool."""
    counts = {
        reason: None if count is None else count + more.get(reason, 0) for reason, count in selection.wanted.items()
    }
    return replace(selection, wanted=counts)


def chosen_with(found: Round, selection: Selection) -> list[Chosen]:
    return [each for drawn in draw(drawn_runs(found, selection), selection) for each in drawn.chosen]


def standing(found: Round) -> str:
    """Changes whenever items were added: a form that shows it can tell whether it is out of date."""
    return f"{found.item_count}-{sum(count or 0 for count in Selection.of(found.selection).wanted.values())}"


@dataclass(frozen=True)
class Look:
    """What ``add_more`` would do now: so many ``new`` items, of which ``overdue`` would come without asking for more.

    These are drawn by now because the pools have changed since the round was filled: an output was scored, say.
    """

    new: int
    overdue: int


def look_at_more(found: Round, more: Mapping[str, int]) -> Look:
    now = Selection.of(found.selection)
    there = set(found.items.values_list("output", flat=True))
    draws = draw(drawn_runs(found, now), raised(now, more))
    due = {each.output for drawn in draws for each in draw_from(drawn.run, now, drawn.pools).chosen}
    new = {each.output for drawn in draws for each in drawn.chosen} - there
    return Look(len(new), len(new & due))


@transaction.atomic
def add_more(found: Round, more: Mapping[str, int], actor: User, had: str) -> Added:
    """Draw so many more outputs of each run for these reasons. Those that are items already count among them.

    ``had``: the round's ``standing`` as the person saw it. Raises AddingError when it is another one by now, so that a
    form that is sent twice adds once.
    """
    locked = open_and_locked(found)
    if standing(locked) != had:
        raise AddingError("The items of this round have changed meanwhile. Look at what it holds now, then add again.")
    selection = raised(Selection.of(locked.selection), more)
    chosen = chosen_with(locked, selection)
    there = lock_items(locked, [each.output for each in chosen])
    change_items(locked, [each for each in chosen if each.output in there])
    new = [each for each in chosen if each.output not in there]
    store_items(locked, new, f"{selection.seed}:{locked.item_count}")
    locked.selection = selection.as_json()
    locked.save(update_fields=["selection"])
    return finish(locked, actor, Added(len(new), len(there)))


@transaction.atomic
def add_outputs(found: Round, outputs: Sequence[int], runs: Collection[int], actor: User) -> Added:
    """Make items of all these outputs, which are of these runs. Raises AddingError when the round takes none now."""
    locked = open_and_locked(found)
    selection = Selection.of(locked.selection)
    mine = set(locked.runs.values_list("pk", flat=True))
    if not selection.runs and set(runs) - mine:
        # Drawing more later concerns the runs that were asked for, not those that come in here.
        locked.selection = replace(selection, runs=tuple(sorted(mine))).as_json()
        locked.save(update_fields=["selection"])
    locked.runs.add(*runs)
    there = lock_items(locked, outputs)
    with connection.cursor() as cursor:
        cursor.execute(MAKE_CERTAIN, {"round": locked.pk, "outputs": sorted(there)})
    new = [output for output in outputs if output not in there]
    store_items(locked, certain(new), f"{selection.seed}:{locked.item_count}")
    return finish(locked, actor, Added(len(new), len(there)))


@transaction.atomic
def make_round_of(
    project: Project, name: str, outputs: Sequence[int], runs: Collection[int], creator: User, **work: Any
) -> Round:
    """A round of all these outputs and nothing else; ``work`` as in ``plan_round``."""
    made = plan_round(project, name, list(Run.objects.filter(pk__in=runs)), {}, creator, **work)
    store_items(made, certain(outputs), work.get("seed", ""))
    made.filled_at = timezone.now()
    made.save(update_fields=["filled_at"])
    count_items(made.pk)
    made.refresh_from_db()
    return made


def certain(outputs: Iterable[int]) -> list[Chosen]:
    return [Chosen(output, (Reason.ADDED.value,), 1.0) for output in outputs]


def open_and_locked(found: Round) -> Round:
    """The round as it is now, in this transaction alone. Raises AddingError when it takes no items."""
    locked = Round.objects.select_for_update(no_key=True).get(pk=found.pk)
    if locked.closed_at:
        raise AddingError("The round is closed. Open it again on its page, then add items.")
    if not locked.filled_at:
        raise AddingError("The outputs of this round are still being chosen. Try again in a moment.")
    if locked.is_practice:
        raise AddingError("A practice round holds known items only. Add the outputs to another round.")
    return locked


def lock_items(locked: Round, outputs: Sequence[int]) -> set[int]:
    """Which of the outputs are items of the round; their rows are locked."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"round": locked.pk, "outputs": list(outputs)})
        return {output for (output,) in cursor.fetchall()}


def change_items(locked: Round, chosen: Sequence[Chosen]) -> None:
    """Give items the reasons and chances that they have by now."""
    for start in range(0, len(chosen), STORED_AT_ONCE):
        batch = chosen[start : start + STORED_AT_ONCE]
        columns: dict[str, Any] = {
            "round": locked.pk,
            "outputs": [each.output for each in batch],
            "reasons": [",".join(each.reasons) for each in batch],
            "probabilities": [each.probability for each in batch],
        }
        with connection.cursor() as cursor:
            cursor.execute(CHANGE, columns)


def finish(locked: Round, actor: User, added: Added) -> Added:
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW, {"round": locked.pk})
    count_items(locked.pk)
    if added.new:
        record_event(locked.project, actor, "added items to the review round", f"{locked.name}: {added.new:,}")
    return added


@dataclass(frozen=True)
class Filtered:
    """The outputs that a page lists: the page's kind of export and its filters, in words too."""

    kind: str
    source: Source

    @property
    def description(self) -> str:
        return self.source.description()

    @property
    def filters(self) -> Mapping[str, str]:
        return self.source.settled()

    def outputs(self) -> list[int]:
        """Keys of the outputs, rising, each once."""
        rows = self.source.rows().order_by(OUTPUT_OF[self.kind])
        return list(rows.values_list(OUTPUT_OF[self.kind], flat=True).distinct())

    def count(self) -> int:
        return int(self.source.rows().order_by().values(OUTPUT_OF[self.kind]).distinct().count())

    def runs(self) -> list[int]:
        return list(self.source.rows().order_by("run").values_list("run", flat=True).distinct())


def filtered(project: Project, kind: str, filters: Mapping[str, str]) -> Filtered:
    """What a page lists whose address has these filters. Raises ExportError, NotThere and AddingError."""
    if kind not in OUTPUT_OF:
        raise AddingError("Outputs of such a page cannot be reviewed. Start from the outputs of a run.")
    source = import_string(settings.OUTPUT_LISTS[kind]) if kind in settings.OUTPUT_LISTS else source_of(kind)
    return Filtered(kind, source(project, filters))


def refuse_unless_reviewable(count: int) -> None:
    if not count:
        raise AddingError("No output fits this filter, so there is nothing to review. Widen it.")
    if count > MOST_AT_ONCE:
        raise AddingError(
            f"These are {count:,} outputs, and at most {MOST_AT_ONCE:,} can be added at once. Narrow the filter, "
            "or make a round that draws a part of them."
        )
