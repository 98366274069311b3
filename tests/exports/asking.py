"""Exports in one line each: asked for by the project's admin, and what is in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import orjson

from evalhub.exports.making import ask_for_export, open_export
from evalhub.exports.models import Export
from evalhub.exports.preparing import prepare
from evalhub.projects.models import Project
from tests.making import admin_of


def asked(project: Project, kind: str, format: str = "jsonl", **filters: object) -> Export:
    """An export with these filters, of which a small one is done; ``run=7`` as in the page's address."""
    given = {name: str(value) for name, value in filters.items()}
    export = ask_for_export(project, admin_of(project), kind, format, given)
    export.refresh_from_db()
    return export


def done(project: Project, kind: str, format: str = "jsonl", **filters: object) -> Export:
    """The same, prepared as a worker does where it is not done at once."""
    export = asked(project, kind, format, **filters)
    prepare(export.pk)
    export.refresh_from_db()
    assert export.is_done, export.error
    return export


def content(project: Project, kind: str, format: str = "jsonl", **filters: object) -> bytes:
    with open_export(done(project, kind, format, **filters)) as file:
        return file.read()


def rows(project: Project, kind: str, **filters: object) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in content(project, kind, **filters).splitlines()]


def cells(project: Project, kind: str, **filters: object) -> list[Mapping[str, str]]:
    text = content(project, kind, "csv", **filters).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))
