"""Examples and production samples as rows of an export, filtered like the pages that list them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Case, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Coalesce

from evalhub.evalsets.models import EvalSetVersion, Example, ProductionSample
from evalhub.evalsets.pool import PoolFilter
from evalhub.exports.sources import Column, ExportError, Holds, NotThere, Source
from evalhub.projects.models import Project

LONGEST_FILTER = 200
# A kind with nothing beside it expects JSON's null; without a kind nothing is expected.
EXPECTED = Case(
    When(expected_kind="", then=None),
    default=Coalesce(Cast("expected", TextField()), Value("null"), output_field=TextField()),
    output_field=TextField(),
)


class ExamplesExport(Source):
    """The examples of a version; as JSONL the lines of its download, byte for byte."""

    title = "Examples"
    filters = ("version", "tag", "key")
    columns = (
        Column("id", Holds.TEXT, "key"),
        Column("input", Holds.JSON, "request"),
        Column("expected_kind", Holds.TEXT, "expected_kind"),
        Column("expected", Holds.JSON, EXPECTED),
        Column("tags", Holds.TEXTS, "tags"),
        Column("cluster", Holds.TEXT, "cluster"),
        Column("metadata", Holds.OBJECT, "metadata"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        versions = EvalSetVersion.objects.in_project(project).readable().select_related("eval_set")
        version = versions.filter(pk=self.id_of("version")).first()
        if version is None:
            raise NotThere("There is no such version in this project, or its examples are not all there yet.")
        self.version = version
        self.tag, self.key = (text_of(self.given, name) for name in ("tag", "key"))

    def rows(self) -> QuerySet[Example]:
        examples = self.version.examples.order_by("position")
        if self.tag:
            examples = examples.filter(tags__contains=[self.tag])
        return examples.filter(key__icontains=self.key) if self.key else examples

    def description(self) -> str:
        parts = [str(self.version)]
        parts += [f"tag “{self.tag}”"] if self.tag else []
        parts += [f"“{self.key}” in the id"] if self.key else []
        return ", ".join(parts)

    def subject(self) -> str:
        return f"version-{self.version.pk}"


class ProductionSamplesExport(Source):
    """Samples of the project's pool, the newest first; as JSONL they can be uploaded again."""

    title = "Production samples"
    filters = ("model", "tag", "field", "text", "since", "until")
    columns = (
        Column("id", Holds.TEXT, "key"),
        Column("time", Holds.TIME, "occurred_at"),
        Column("input", Holds.JSON, "request"),
        Column("answer", Holds.TEXT, "answer", is_kept=True),
        Column("tool_calls", Holds.JSON, "tool_calls"),
        Column("model", Holds.TEXT, "model"),
        Column("latency_ms", Holds.NUMBER, "latency_ms"),
        Column("prompt_tokens", Holds.INTEGER, "prompt_tokens"),
        Column("completion_tokens", Holds.INTEGER, "completion_tokens"),
        Column("tags", Holds.TEXTS, "tags"),
        Column("cluster", Holds.TEXT, "cluster"),
        Column("metadata", Holds.OBJECT, "metadata"),
    )

    def __init__(self, project: Project, filters: Mapping[str, str]) -> None:
        super().__init__(project, filters)
        self.part = PoolFilter(
            model=text_of(self.given, "model"),
            tag=text_of(self.given, "tag"),
            field=text_of(self.given, "field", strip=False),
            text=text_of(self.given, "text"),
            since=day_of(self.given, "since"),
            until=day_of(self.given, "until"),
        )
        if self.part.text and not self.part.field:
            raise ExportError("“text” needs “field”: the name of the metadata field in which the text is to stand.")

    def rows(self) -> QuerySet[ProductionSample]:
        return self.part.apply(ProductionSample.objects.in_pool(self.project)).order_by("-pk")

    def description(self) -> str:
        part = self.part
        said = [
            f"model “{part.model}”" if part.model else "",
            f"tag “{part.tag}”" if part.tag else "",
            f"whose “{part.field}” contains “{part.text}”" if part.text else "",
            f"with “{part.field}”" if part.field and not part.text else "",
            f"from {part.since:%-d %b %Y}" if part.since else "",
            f"to {part.until:%-d %b %Y}" if part.until else "",
        ]
        return ", ".join(filter(None, said)) or "All samples"

    def subject(self) -> str:
        return ""


def text_of(filters: Mapping[str, str], name: str, strip: bool = True) -> str:
    """Return a text as the page's form reads it. Raises ExportError."""
    field = forms.CharField(required=False, max_length=LONGEST_FILTER, strip=strip)
    return str(_cleaned(field, filters, name))


def day_of(filters: Mapping[str, str], name: str) -> datetime.date | None:
    day: datetime.date | None = _cleaned(forms.DateField(required=False), filters, name)
    return day


def _cleaned(field: forms.Field, filters: Mapping[str, str], name: str) -> Any:
    try:
        return field.clean(filters.get(name, ""))
    except forms.ValidationError as error:
        raise ExportError(f"“{name}” cannot be that: {' '.join(error.messages)}") from error
