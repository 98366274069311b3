"""Systematic or random: whether a failure comes back in every repeat, and whether it concentrates in slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from evalhub.runs.models import Run
from taxonomy.comparison.selecting import Selection
from taxonomy.statistics.concentration import Concentration, Slice, lift_by_tag, with_and_without
from taxonomy.statistics.consistency import Repeated, Repeats, repeated_share

MOST_TAGS = 40
"""So many are tested, those with the most examples; more would be a list that nobody reads."""
FEWEST = 5
"""Examples that a tag needs, with and without it, so that its rate says anything."""

EXAMPLES = """
WITH example AS (
    SELECT output.example_id AS id, count(*) FILTER (WHERE said.has) AS failed, count(*) AS repeats
    FROM runs_output AS output CROSS JOIN LATERAL ({said}) AS said
    WHERE output.run_id = %(run)s AND said.has IS NOT NULL
    GROUP BY 1
)
"""
REPEATS = EXAMPLES + "SELECT failed, repeats, count(*) FROM example GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608 -- constants
TAGS = (
    EXAMPLES
    + """
SELECT tag, count(*) FILTER (WHERE example.failed > 0), count(*)
FROM example JOIN evalsets_example AS asked ON asked.id = example.id CROSS JOIN LATERAL unnest(asked.tags) AS tag
GROUP BY 1 ORDER BY 3 DESC, 1
"""
)


@dataclass(frozen=True)
class Where:
    """How a failure of one run lies over its examples; an example has it if any of its repeats has.

    ``repeated`` is None where no example was asked twice. ``tags``: the surest concentration first. ``untested``: how
    many tags were left out, having too few examples or being too many.
    """

    run: Run
    examples: int
    having: int
    repeated: Repeated | None
    tags: Sequence[Concentration]
    untested: int

    @property
    def lines(self) -> list[tuple[Concentration, Slice]]:
        """Each tag with the slice of the examples that carry it."""
        return [(tag, next(each for each in tag.slices if each.value == "yes")) for tag in self.tags]

    @property
    def is_asked_once(self) -> bool:
        return self.run.repeats == 1


def where_it_fails(run: Run, selection: Selection) -> Where:
    asked = selection.parameters | {"run": run.pk}
    said = selection.of("output")
    with connection.cursor() as cursor:
        cursor.execute(REPEATS.format(said=said), asked)
        repeats = [Repeats(*row) for row in cursor.fetchall()]
        cursor.execute(TAGS.format(said=said), asked)
        tags = {tag: (having, n) for tag, having, n in cursor.fetchall()}
    n = sum(each.examples for each in repeats)
    having = sum(each.examples for each in repeats if each.failed)
    tested = [tag for tag, (_, size) in tags.items() if size >= FEWEST and n - size >= FEWEST][:MOST_TAGS]
    found = lift_by_tag(with_and_without({tag: tags[tag] for tag in tested}, having, n))
    surest = sorted(found, key=lambda each: (1.0 if each.adjusted is None else each.adjusted, each.tag))
    return Where(run, n, having, repeated_share(repeats), surest, len(tags) - len(tested))
