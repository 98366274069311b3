"""A JSON column that gives back what was put in: key order and the spelling of numbers survive."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models


class ExactJSONField(models.JSONField):
    """JSON kept in PostgreSQL's ``json`` type, which stores the text as it came.

    ``jsonb`` would reorder keys, and the order of a tool's parameters is part of what a model is asked. The price: no
    equality operator and no index, so it is never compared, filtered or made distinct.
    """

    def db_type(self, connection: Any) -> str:
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        # psycopg has parsed it; Django keeps it from doing so for jsonb only.
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return super().get_db_prep_value(value, connection, prepared)
        from psycopg.types.json import Json

        # As files are staged and downloaded: what comes in by hand must not get another hash by its spaces.
        return Json(value, dumps=lambda data: orjson.dumps(data).decode())
