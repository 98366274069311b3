"""All rows of all our tables, and the files beside them, in a form that can be compared between two databases.

The ids that the database gave stand for nothing: a row is told by what is in it, and by the rows that it points to.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models

OURS = ("evalhub.", "taxonomy", "reviews", "demo")
Snapshot = dict[str, Counter[str]]

# “app.model.column”, or “app.model.column.name” inside JSON: what may be another each time, and why. Of a time only
# whether it is set counts, since the repetitions are not at the same time.
MAY_DIFFER = {
    "projects.user.password": "the salt is random",
    "evalsets.upload.key": "it is random",
    "exports.export.key": "it is random",
    "reviews.noticechoice.webhook_secret": "it is random",
    "reviews.noticechoice.webhook_secret_ending": "it is random",
    "evalsets.upload.report.seconds": "how long the check took",
    "runs.chunk.token": "raised at each claim, and giving a chunk back and claiming it again is no fault",
    "runs.output.first_token_ms": "how long the call took",
    "runs.output.total_ms": "how long the call took",
    "runs.run.figures.first_token_p50": "how long the calls took",
    "runs.run.figures.first_token_p95": "how long the calls took",
    "runs.run.figures.total_p50": "how long the calls took",
    "runs.run.figures.total_p95": "how long the calls took",
}


def our_models() -> list[type[models.Model]]:
    """Also those of many-to-many relations."""
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model._meta.app_config.name.startswith(OURS) and model._meta.managed]


def empty_everything() -> None:
    """No rows, no files, and the next ids are 1: what is made now is made with the same ids each time."""
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in our_models())
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    for path in files_folder().iterdir() if files_folder().is_dir() else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def files_folder() -> Path:
    return Path(settings.MEDIA_ROOT)


def take_snapshot() -> Snapshot:
    """How often each row is there, by table; and each file, by its name."""
    rows = {model: {row[model._meta.pk.attname]: row for row in rows_of(model)} for model in our_models()}

    @cache
    def told(model: type[models.Model], pk: Any) -> str:
        row = rows[model].get(pk)
        if row is None:
            return "a row that is gone"
        return json.dumps({field.attname: value_of(field, row) for field in columns_of(model)}, sort_keys=True)

    def value_of(field: models.Field, row: dict[str, Any]) -> Any:
        value = row[field.attname]
        related = field.remote_field.model if field.remote_field else None
        if value is None or related not in rows:
            return comparable(field, value)
        return f"{related._meta.model_name} {hashlib.sha256(told(related, value).encode()).hexdigest()[:8]}"

    tables = {model._meta.label_lower: Counter(told(model, pk) for pk in rows[model]) for model in rows}
    return {**tables, "files": Counter(names_of_files(rows))}


def rows_of(model: type[models.Model]) -> list[dict[str, Any]]:
    return list(model._base_manager.values(*(field.attname for field in model._meta.concrete_fields)))


def columns_of(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.concrete_fields if not (field.primary_key and not field.remote_field)]


def comparable(field: models.Field, value: Any) -> Any:
    name = f"{field.model._meta.label_lower}.{field.name}"
    if name in MAY_DIFFER:
        return None
    if isinstance(field, models.DateTimeField):
        return value is not None
    if isinstance(value, dict):
        return {key: None if f"{name}.{key}" in MAY_DIFFER else plain(part) for key, part in value.items()}
    return plain(value)


def plain(value: Any) -> Any:
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def names_of_files(rows: dict[type[models.Model], dict[Any, dict[str, Any]]]) -> Iterator[str]:
    """Names below the folder of files. A random key in a path is told by the row that has it."""
    keys = {
        row[field.attname].hex: f"{model._meta.model_name} {pk}"
        for model in rows
        for field in model._meta.concrete_fields
        if isinstance(field, models.UUIDField)
        for pk, row in rows[model].items()
        if row[field.attname]
    }
    for path in files_folder().rglob("*"):
        if path.is_file():
            parts = path.relative_to(files_folder()).parts
            yield "/".join(keys.get(part.partition(".")[0].replace("-", ""), part) for part in parts)


def differences(first: Snapshot, second: Snapshot) -> str:
    """What one has and the other has not, a line each; empty if there is no difference."""
    lines = []
    for table in sorted(first.keys() | second.keys()):
        one, other = first.get(table, Counter()), second.get(table, Counter())
        lines += [f"{table}: {count} x only in the first:  {row[:600]}" for row, count in (one - other).items()]
        lines += [f"{table}: {count} x only in the second: {row[:600]}" for row, count in (other - one).items()]
    return "\n".join(lines)
