"""The pool of production samples: what is in it, and a part of it by a few allowed conditions."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from evalhub.evalsets.models import ProductionSample, ProductionSampleQuerySet, Upload
from evalhub.projects.models import Project

VALUES_LISTED = 200
COUNTED_AT_MOST = 10_000

SPAN = "SELECT count(*), min(occurred_at), max(occurred_at) FROM evalsets_productionsample WHERE upload_id = %s"
MODELS = """
    SELECT model, count(*) FROM evalsets_productionsample WHERE upload_id = %s AND model <> ''
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""
TAGS = """
    SELECT tag, count(*) FROM evalsets_productionsample, unnest(tags) AS tag WHERE upload_id = %s
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""
FIELDS = """
    SELECT field, count(*) FROM evalsets_productionsample, jsonb_object_keys(metadata) AS field WHERE upload_id = %s
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""


@dataclass(frozen=True)
class PoolFilter:
    """Conditions that a person may set; empty ones say nothing. Dates are whole days in the shown time zone."""

    model: str = ""
    tag: str = ""
    field: str = ""
    text: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None

    def apply(self, samples: ProductionSampleQuerySet) -> QuerySet[ProductionSample]:
        found: QuerySet[ProductionSample] = samples
        if self.model:
            found = found.filter(model=self.model)
        if self.tag:
            found = found.filter(tags__contains=[self.tag])
        if self.field:
            # The name is a parameter of the query, never a part of it.
            found = found.annotate(found_text=KeyTextTransform(self.field, "metadata"))
            holds = Q(found_text__icontains=self.text) if self.text else Q(found_text__isnull=False)
            found = found.filter(holds)
        if self.since:
            found = found.filter(occurred_at__gte=_midnight(self.since))
        if self.until:
            found = found.filter(occurred_at__lt=_midnight(self.until + datetime.timedelta(days=1)))
        return found

    def to_json(self) -> dict[str, str]:
        """Return the conditions that say something, for the record of a draw."""
        return {name: str(value) for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, conditions: dict[str, str]) -> PoolFilter:
        days = {
            name: datetime.date.fromisoformat(value) for name, value in conditions.items() if name in {"since", "until"}
        }
        texts = {name: value for name, value in conditions.items() if name not in days}
        return replace(cls(**texts), **days)  # type: ignore[arg-type]  # the values are split by type just above

    def __bool__(self) -> bool:
        return self != PoolFilter()


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def facts_of_upload(upload: Upload) -> dict[str, Any]:
    """Return counts over the stored samples of an upload, taken once when they are all there.

    ``{"samples": n, "since", "until": ISO 8601 or None, "models", "tags", "fields": [[value, n]]}``, the lists by
    falling count and at most VALUES_LISTED long; fields are the names in the metadata.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPAN, [upload.pk])
        samples, since, until = cursor.fetchone()
        lists: dict[str, Any] = {}
        for name, query in (("models", MODELS), ("tags", TAGS), ("fields", FIELDS)):
            cursor.execute(query, [upload.pk, VALUES_LISTED])
            lists[name] = [list(row) for row in cursor.fetchall()]
    span = {"since": since and since.isoformat(), "until": until and until.isoformat()}
    return {"samples": samples, **span, **lists}


@dataclass(frozen=True)
class Count:
    """So many, or at least so many: counting stops early, so that no page grows with the pool."""

    number: int
    is_more: bool


def count_part(samples: QuerySet[ProductionSample]) -> Count:
    found = samples.order_by()[: COUNTED_AT_MOST + 1].count()
    return Count(min(found, COUNTED_AT_MOST), found > COUNTED_AT_MOST)


@dataclass(frozen=True)
class PoolFacts:
    """What the pool holds, added up over its uploads: reading them costs the same however many samples there are."""

    samples: int
    models: list[tuple[str, int]]
    tags: list[tuple[str, int]]
    fields: list[tuple[str, int]]
    since: datetime.datetime | None
    until: datetime.datetime | None

    @property
    def known_models(self) -> list[str]:
        return _plain(self.models)

    @property
    def known_tags(self) -> list[str]:
        return _plain(self.tags)

    @property
    def known_fields(self) -> list[str]:
        return _plain(self.fields)


def facts_of_pool(project: Project) -> PoolFacts:
    facts = list(
        Upload.objects.in_project(project)
        .filter(purpose=Upload.Purpose.PRODUCTION_SAMPLES, state=Upload.State.DONE)
        .values_list("facts", flat=True)
    )
    return PoolFacts(
        samples=sum(fact.get("samples", 0) for fact in facts),
        models=_added(facts, "models"),
        tags=_added(facts, "tags"),
        fields=_added(facts, "fields"),
        since=min(_times(facts, "since"), default=None),
        until=max(_times(facts, "until"), default=None),
    )


def _plain(values: list[tuple[str, int]]) -> list[str]:
    """Values that a form can offer as they are: a browser would show hidden signs as nothing, and change line ends."""
    return [value for value, _ in values if value.isprintable()]


def _added(facts: list[dict[str, Any]], name: str) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for fact in facts:
        total.update(dict(fact.get(name, [])))
    return total.most_common(VALUES_LISTED)


def _times(facts: list[dict[str, Any]], name: str) -> list[datetime.datetime]:
    return [datetime.datetime.fromisoformat(fact[name]) for fact in facts if fact.get(name)]
