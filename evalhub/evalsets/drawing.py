"""Drawing an eval set from the pool of production samples: random or stratified, repeatable by its seed.

The units are distinct requests: of samples that ask the same, the newest stands for all, and the inclusion probability
is that of the request. Each request keeps the place in the order that seed and content give it (``allocation``), so the
same seed and pool give the same draw, wherever and in whatever order the samples were stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, cast

import orjson
import psycopg
from django.db import connection, transaction

from evalhub.evalsets.allocation import allocate_equally, allocate_proportionally, inclusion_probability
from evalhub.evalsets.files.canonical import sorted_json
from evalhub.evalsets.models import EvalSet, EvalSetVersion, ProductionSample
from evalhub.evalsets.patience import bounded
from evalhub.evalsets.pool import PoolFilter, facts_of_pool
from evalhub.evalsets.sampled_examples import SAMPLE_COLUMNS, copy_examples
from evalhub.evalsets.versions import VersionError, begin_version, settle_draft
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event

MOST_STRATA = 1_000
ROWS_AT_ONCE = 1_000
STRATA = {
    "": "''",
    "model": "model",
    "tag": "coalesce(tags[1], '')",
    "cluster": "cluster",
    "metadata": "left(coalesce(metadata ->> %s::text, ''), 200)",
}
"""By what a draw can be stratified, as SQL; what stands in the texts below is only ever one of these."""

POOL = """
    SELECT DISTINCT ON (digest) id, digest, {stratum} AS stratum FROM ({chosen}) AS chosen
    WHERE id <= %s AND digest <> ALL(%s::bytea[])
    ORDER BY digest, id DESC
"""
SORT_MB = 128
PREVIEW_SECONDS = 25
COUNT = "SELECT stratum, count(*) FROM ({pool}) AS pool GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s"
DRAW = """
    WITH pool AS ({pool}),
    placed AS (SELECT id, stratum, sha256(%s::bytea || digest) AS place FROM pool),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY place) AS rank FROM placed)
    SELECT drawn.probability, {columns}
    FROM ranked
    JOIN unnest(%s::text[], %s::int[], %s::float[]) AS drawn(stratum, size, probability) USING (stratum)
    JOIN evalsets_productionsample s USING (id)
    WHERE ranked.rank <= drawn.size
    ORDER BY ranked.place
"""
REQUESTS = """
    SELECT DISTINCT ON (e.digest) e.request::text FROM evalsets_example e
    JOIN evalsets_evalsetversion v ON v.id = e.version_id
    WHERE v.eval_set_id = %s AND v.state <> 'deleting'
"""


@dataclass(frozen=True)
class Plan:
    """What a person asks for. ``by`` is a key of STRATA, ``metadata_field`` the name for “metadata”."""

    size: int
    seed: str
    by: str = ""
    metadata_field: str = ""
    allocation: str = "proportional"
    only_new: bool = False
    answers_as_expected: bool = False
    part: PoolFilter = field(default_factory=PoolFilter)


@dataclass(frozen=True)
class Stratum:
    value: str
    available: int
    drawn: int

    @property
    def probability(self) -> float:
        return inclusion_probability(self.drawn, self.available)


@dataclass(frozen=True)
class Outline:
    """What a plan gives: samples it looks at, distinct requests in them, and how many of each stratum are drawn."""

    samples: int
    strata: list[Stratum]
    up_to: int

    @property
    def available(self) -> int:
        return sum(stratum.available for stratum in self.strata)

    @property
    def drawn(self) -> int:
        return sum(stratum.drawn for stratum in self.strata)

    @property
    def left_empty(self) -> int:
        return sum(not stratum.drawn for stratum in self.strata)


def outline(eval_set: EvalSet, plan: Plan) -> Outline:
    """Count the strata and share the size out among them. Raises VersionError if there are too many, or TooSlow."""
    with bounded(PREVIEW_SECONDS, SORT_MB):
        return _outline(eval_set, plan)


def _outline(eval_set: EvalSet, plan: Plan) -> Outline:
    samples = _samples(eval_set.project, plan)
    last = ProductionSample.objects.in_pool(eval_set.project).order_by("-pk").values_list("pk", flat=True).first() or 0
    pool = _pool(eval_set, plan, last)
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(pool=pool.text), [*pool.parameters, MOST_STRATA + 1])
        available = dict(cursor.fetchall())
    if len(available) > MOST_STRATA:
        raise VersionError(
            f"This field has more than {MOST_STRATA:,} values, too many for strata. Choose another, or draw at random."
        )
    allocate = allocate_equally if plan.allocation == "equal" else allocate_proportionally
    drawn = allocate(available, plan.size)
    strata = [Stratum(value, count, drawn[value]) for value, count in available.items()]
    seen = samples.filter(pk__lte=last).count() if plan.part else facts_of_pool(eval_set.project).samples
    return Outline(seen, strata, last)


@transaction.atomic
def begin_draw(eval_set: EvalSet, plan: Plan, user: User) -> EvalSetVersion:
    """Make the version that the draw will fill; the caller sends ``draw_version_task``. Raises as ``outline`` does."""
    found = outline(eval_set, plan)
    if not found.drawn:
        raise VersionError("No production sample fits, so there is nothing to draw from. Widen the filter.")
    drawing = {
        "samples": found.samples,
        "distinct_requests": found.available,
        "up_to": found.up_to,
        **{name: value for name, value in asdict(plan).items() if name != "part"},
        "filter": plan.part.to_json(),
        "strata": [asdict(stratum) | {"probability": stratum.probability} for stratum in found.strata],
    }
    version = begin_version(eval_set, user, drawing=drawing)
    record_event(eval_set.project, user, "drew from production samples", version)
    return version


@transaction.atomic
def fill_draw(version_id: int) -> None:
    """Draw the examples of a version that waits for them. One transaction: safe to repeat, and to run twice at once."""
    waiting = EvalSetVersion.objects.filter(state=EvalSetVersion.State.IMPORTING, upload=None)
    version = waiting.select_for_update(of=("self",)).select_related("eval_set__project").filter(pk=version_id).first()
    if version is None or not version.drawing:
        return
    plan = plan_from_json(version.drawing)
    copy_examples(version, _drawn(version, plan), answers_as_expected=plan.answers_as_expected)
    settle_draft(version)


def plan_from_json(drawing: dict[str, Any]) -> Plan:
    names = ("size", "seed", "by", "metadata_field", "allocation", "only_new", "answers_as_expected")
    return Plan(**{name: drawing[name] for name in names}, part=PoolFilter.from_json(drawing["filter"]))


def _drawn(version: EvalSetVersion, plan: Plan) -> Iterator[list[tuple[Any, ...]]]:
    strata = version.drawing["strata"]
    pool = _pool(version.eval_set, plan, version.drawing["up_to"])
    lists = [[stratum[name] for stratum in strata] for name in ("value", "drawn", "probability")]
    raw = cast("psycopg.Connection[Any]", connection.connection)
    with raw.cursor(name="draw") as rows:
        rows.execute(
            DRAW.format(pool=pool.text, columns=SAMPLE_COLUMNS), [*pool.parameters, plan.seed.encode(), *lists]
        )
        while batch := rows.fetchmany(ROWS_AT_ONCE):
            yield batch


def _samples(project: Project, plan: Plan) -> Any:
    return plan.part.apply(ProductionSample.objects.in_pool(project))


class _Query(NamedTuple):
    text: str
    parameters: list[Any]


def _pool(eval_set: EvalSet, plan: Plan, up_to: int) -> _Query:
    """Return the query for the distinct requests to draw from: id, digest, stratum."""
    columns = ("id", "digest", "model", "tags", "cluster", "metadata")
    chosen, parameters = _samples(eval_set.project, plan).values(*columns).query.sql_with_params()
    text = POOL.format(stratum=STRATA[plan.by], chosen=chosen)
    left_out = _request_digests(eval_set) if plan.only_new else []
    fields = [plan.metadata_field] if plan.by == "metadata" else []
    return _Query(text, [*fields, *parameters, up_to, left_out])


def _request_digests(eval_set: EvalSet) -> list[bytes]:
    """Return the digests of all requests in any version of the eval set, as production samples have them."""
    raw = cast("psycopg.Connection[Any]", connection.connection)
    with transaction.atomic(), raw.cursor(name="requests") as rows:
        rows.execute(REQUESTS, [eval_set.pk])
        return list({hashlib.sha256(sorted_json(orjson.loads(text))).digest() for (text,) in rows})
