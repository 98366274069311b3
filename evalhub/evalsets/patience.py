"""Queries over the whole pool, bounded: a page that would look through millions of rows says so instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection, transaction

from evalhub.errors import EvalHubError


class TooSlow(EvalHubError):
    """The query would take longer than a person waits for a page."""


@contextmanager
def bounded(seconds: float, work_memory_mb: int | None = None) -> Iterator[None]:
    """Run the queries inside for at most so long each, each sorting in so much memory. Raises TooSlow beyond that.

    Inside another transaction the bounds hold until that one ends.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
            if work_memory_mb:
                cursor.execute("SELECT set_config('work_mem', %s, true)", [f"{work_memory_mb}MB"])
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise
        raise TooSlow(
            "This looks through too many samples to be quick. Choose a model, a tag or a shorter time as well."
        ) from error
