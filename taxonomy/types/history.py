"""The history of one error type, and what is different between any two versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from evalhub.projects.models import Project, User
from taxonomy.tree import Tree
from taxonomy.types.differences import Difference, differences, of_state

# The rows of the type itself, of those that were ever merged into it, and of those that a sentence about any of them
# names: what they stood below, and what they were merged into. Whole trees would be too much.
ROWS = """
WITH mine AS (SELECT * FROM taxonomy_taxonomyversion WHERE project_id = %(project)s),
    keys AS (SELECT coalesce(jsonb_agg(DISTINCT merged.id), '[]') || to_jsonb(%(key)s::bigint) AS found FROM mine
        CROSS JOIN LATERAL jsonb_path_query(
            mine.tree, '$[*] ? (@.merged_into == $key).id', jsonb_build_object('key', %(key)s::bigint)
        ) AS merged (id)),
    named AS (SELECT keys.found || coalesce(jsonb_agg(DISTINCT other.id) FILTER (WHERE other.id IS NOT NULL), '[]')
            AS found
        FROM keys CROSS JOIN mine LEFT JOIN LATERAL jsonb_path_query(
            mine.tree, '$[*] ? (@.id == $keys[*]).keyvalue() ? (@.key == "parent" || @.key == "merged_into").value',
            jsonb_build_object('keys', keys.found)
        ) AS other (id) ON TRUE GROUP BY keys.found)
SELECT mine.number, mine.change, mine.why, person.name, mine.made_at,
    jsonb_path_query_array(mine.tree, '$[*] ? (@.id == $keys[*])', jsonb_build_object('keys', named.found)) AS rows
FROM mine CROSS JOIN named LEFT JOIN projects_user AS person ON person.id = mine.made_by_id
ORDER BY mine.number
"""


@dataclass(frozen=True)
class Step:
    """A version in which something about the type changed."""

    number: int
    change: str
    why: str
    made_by: str
    made_at: datetime
    differences: list[Difference]


def history_of(project: Project, key: int) -> list[Step]:
    """Newest first. Places are left to the change's own sentence: they say nothing about the type."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS, {"key": key, "project": project.pk})
        found = cursor.fetchall()
    trees = [Tree(row[0], loaded(row[5])) for row in found]
    names = names_of_people(trees)
    steps: list[Step] = []
    for (number, change, why, made_by, made_at, _), old, new in zip(found, [Tree(0, []), *trees], trees, strict=False):
        if told := [*differences(old, new, names, only={key}), *taken_in(old, new, key)]:
            steps.append(Step(number, change, why, made_by or "", made_at, told))
    return steps[::-1]


def taken_in(old: Tree, new: Tree, key: int) -> Iterator[Difference]:
    """Types that were merged into this one between two versions, or were let go again."""
    for other, now in new.types.items():
        was = old.types.get(other)
        if other != key and was and (was.merged_into == key) != (now.merged_into == key):
            yield from of_state(old, new, other, was, now)


def loaded(rows: Any) -> list[dict[str, Any]]:
    """Of a path in jsonb the driver hands over text or a list, as it is set up."""
    import orjson

    found: list[dict[str, Any]] = orjson.loads(rows) if isinstance(rows, (str, bytes)) else rows
    return found


def names_of_people(trees: Iterable[Tree]) -> dict[int, str]:
    """Of the owners in these trees, by key."""
    keys = {each.owner for tree in trees for each in tree.types.values() if each.owner}
    return {person.pk: str(person) for person in User.objects.filter(pk__in=keys)} if keys else {}
