"""The history of one error type, and what is different between any two versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from evalhub.projects.models import Project, User
from taxonomy.tree import Tree
from taxonomy.types.differences import Difference, differences

# The rows of the type itself and of those beside which it was named: merged into it. Whole trees would be too much.
ROWS = """
SELECT version.number, version.change, version.why, person.name, version.made_at, jsonb_path_query_array(
    version.tree, '$[*] ? (@.id == $key || @.merged_into == $key)', jsonb_build_object('key', %(key)s::bigint)
) AS rows
FROM taxonomy_taxonomyversion AS version LEFT JOIN projects_user AS person ON person.id = version.made_by_id
WHERE version.project_id = %(project)s ORDER BY version.number
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
    steps: list[Step] = []
    before = Tree(0, [])
    raw: list[tuple[tuple[Any, ...], Tree, Tree]] = []
    for row in found:
        after = Tree(row[0], loaded(row[5]))
        if rows_apart(before, after):
            raw.append((row, before, after))
        before = after
    names = names_of_people(tree for _, *trees in raw for tree in trees)
    for (number, change, why, made_by, made_at, _), old, new in raw:
        told = differences(old, new, names, only={*old.types, *new.types})
        steps.append(Step(number, change, why, made_by or "", made_at, told))
    return steps[::-1]


def loaded(rows: Any) -> list[dict[str, Any]]:
    """Of a path in jsonb the driver hands over text or a list, as it is set up."""
    import orjson

    found: list[dict[str, Any]] = orjson.loads(rows) if isinstance(rows, (str, bytes)) else rows
    return found


def rows_apart(one: Tree, other: Tree) -> bool:
    """Whether any row differs, positions aside."""

    def said(tree: Tree) -> dict[int, tuple[Any, ...]]:
        return {
            each.pk: (
                each.parent,
                each.name,
                each.definition,
                each.not_this_if,
                each.severity,
                each.owner,
                each.is_retired,
                each.merged_into,
            )
            for each in tree.types.values()
        }

    return said(one) != said(other)


def names_of_people(trees: Iterable[Tree]) -> dict[int, str]:
    """Of the owners in these trees, by key."""
    keys = {each.owner for tree in trees for each in tree.types.values() if each.owner}
    return {person.pk: str(person) for person in User.objects.filter(pk__in=keys)} if keys else {}
