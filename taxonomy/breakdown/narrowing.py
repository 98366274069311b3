"""A part of a run's outputs: those of one review round, those for examples with one tag."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from evalhub.evalsets.models import Example
from evalhub.projects.models import Project
from evalhub.runs.models import Output
from taxonomy.breakdown.filters import FilterError, Filters


@dataclass(frozen=True)
class Narrowing:
    """What an output has to be. ``outputs``: keys of the round's, not read yet; ``examples``: those with the tag."""

    round_name: str = ""
    outputs: QuerySet[Any] | None = None
    examples: QuerySet[Any] | None = None

    def of_outputs(self) -> Q:
        """As a condition of Output."""
        said = Q()
        if self.outputs is not None:
            said &= Q(pk__in=self.outputs)
        if self.examples is not None:
            said &= Q(example__in=self.examples)
        return said

    @property
    def is_any(self) -> bool:
        return self.outputs is not None or self.examples is not None

    @property
    def by_tag(self) -> Narrowing:
        """The same without the round."""
        return Narrowing(examples=self.examples)

    def sql(self, output: str, example: str) -> tuple[str, list[Any]]:
        """As SQL that begins with AND, or is empty, with its parameters; the arguments are names of columns."""
        parts: list[str] = []
        parameters: list[Any] = []
        for column, keys in ((output, self.outputs), (example, self.examples)):
            if keys is not None:
                statement, values = keys.query.sql_with_params()
                parts.append(f" AND {column} IN ({statement})")
                parameters += values
        return "".join(parts), parameters

    def sql_of_output(self, output: str, runs: Collection[int]) -> tuple[str, list[Any]]:
        """As ``sql``, where only the output is known, which is one of these runs."""
        if self.examples is None:
            return self.sql(output, "")
        condition, parameters = self.sql("id", "example_id")
        statement = f" AND {output} IN (SELECT id FROM runs_output WHERE run_id = ANY(%s){condition})"  # noqa: S608 -- the name of a column, and conditions of querysets
        return statement, [list(runs), *parameters]


def narrowing_of(project: Project, filters: Filters, versions: list[int]) -> Narrowing:
    """What the filters narrow outputs to, of runs over these eval set versions (keys).

    Raises FilterError where the project has no such round.
    """
    name, outputs = "", None
    if filters.round is not None:
        found = outputs_of_round(project, filters.round)
        if found is None:
            raise FilterError(f"There is no review round {filters.round} in this project. Choose another one.")
        name, outputs = found
    examples = None
    if filters.tag:
        tagged = Example.objects.filter(version__in=versions, tags__contains=[filters.tag])
        examples = tagged.order_by().values("pk")
    return Narrowing(name, outputs, examples)


def outputs_of_round(project: Project, round_id: int) -> tuple[str, QuerySet[Output]] | None:
    """The name of a review round and the keys of its outputs; None where the project has none of the key.

    The reviews say it, by the name in the settings, since nothing here may know them.
    """
    return import_string(settings.OUTPUT_NARROWINGS["round"])(project, round_id)
