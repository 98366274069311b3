"""What a database has to be like. Django asks with each ``migrate``, before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections


@register(Tags.database)
def check_encoding(databases: Sequence[str] | None = None, **_future: Any) -> list[CheckMessage]:
    """Texts come in every script: a database that is not UTF-8 would refuse some of them, or keep bytes."""
    faults: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SHOW server_encoding")
            encoding = cursor.fetchone()[0]
        if encoding != "UTF8":
            hint = "Make it anew: CREATE DATABASE evalhub TEMPLATE template0 ENCODING 'UTF8'."
            faults.append(
                Error(f"The database is encoded as {encoding}. EvalHub needs UTF8.", hint=hint, id="evalhub.E1")
            )
    return faults
