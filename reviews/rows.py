"""Rows of a statement of ours as models.

Django takes longer to put a question over four tables together than the database to answer it. What the desk asks with
every label it asks in a statement of its own; its columns are named and its rows are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """The columns of a model's table, as a statement selects them where it calls the table ``alias``."""

    def __init__(self, model: type[M], alias: str) -> None:
        fields = model._meta.concrete_fields
        self.model = model
        self.names = [field.attname for field in fields]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.readers = [
            (place, field.from_db_value) for place, field in enumerate(fields) if hasattr(field, "from_db_value")
        ]

    def take(self, row: Iterator[Any]) -> M | None:
        """The model from the next values of the row; None where its table had no row to join."""
        values = list(islice(row, len(self.names)))
        if values[0] is None:
            return None
        for place, read in self.readers:
            values[place] = read(values[place], None, connection)
        return self.model.from_db(connection.alias, self.names, values)


def first_row(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: Sequence[Any] | None = cursor.fetchone()
    return row


def all_rows(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
