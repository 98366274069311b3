"""Statements of ours that are asked with every label, and their rows as models.

Django takes longer to put a question over four tables together than the database to answer it, and the database longer
to plan it. So the desk asks in statements of its own, which the database keeps planned; their columns are named and
their rows are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.backends.postgresql.base import ServerBindingCursor

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


def prepared() -> Any:
    """A cursor that sends values beside the statement. After a few times the connection keeps that prepared."""
    connection.ensure_connection()
    if connection.queries_logged:  # where statements are read, they are to have their values in them
        return connection.cursor()
    server_binding: Any = ServerBindingCursor
    return connection.make_cursor(server_binding(connection.connection))


def first_row(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    with prepared() as cursor:
        cursor.execute(statement, parameters)
        row: Sequence[Any] | None = cursor.fetchone()
    return row


def all_rows(statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    with prepared() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
