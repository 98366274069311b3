"""Examples that hang together: several of one conversation, customer or document, or one that was asked repeatedly.

Their outputs are alike, so there are fewer independent observations than outputs. Only versions and runs that have such
examples pay for it. The database counts how many clusters have so many outputs, of which so many are in a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count

from evalhub.evalsets.models import EvalSetVersion, Example
from evalhub.runs.models import Run
from taxonomy.breakdown.judged import Checks, Meant
from taxonomy.breakdown.narrowing import Narrowing
from taxonomy.breakdown.rolling import ANY, Roller
from taxonomy.models import Source
from taxonomy.statistics.clusters import ClusterEstimate, robust

# An example without a cluster is one of its own.
UNIT = "CASE WHEN example.cluster = '' THEN 'example ' || example.id ELSE 'cluster ' || example.cluster END"
SETTLED = """
SELECT verdict.run_id, 0 AS place, {unit} AS unit, count(*) AS n
FROM taxonomy_verdict AS verdict JOIN evalsets_example AS example ON example.id = verdict.example_id
WHERE verdict.run_id = ANY(%s) AND verdict.source = 'people'{narrowed} GROUP BY 1, 2, 3
"""
JUDGED = """
SELECT score.run_id, asked.place, {unit} AS unit, count(DISTINCT score.output_id) AS n
FROM unnest(%s::bigint[], %s::int[]) AS asked (check_id, place)
JOIN checks_score AS score ON score.check_id = asked.check_id
JOIN runs_output AS output ON output.id = score.output_id
JOIN evalsets_example AS example ON example.id = output.example_id
WHERE score.run_id = ANY(%s) AND score.outcome IN ('passed', 'failed'){narrowed} GROUP BY 1, 2, 3
"""
CLUSTERS = """
WITH looked_at AS MATERIALIZED ({looked_at}), in_rows AS (
    SELECT verdict.run_id, row.key, row.is_own, row.place, {unit} AS unit, count(*) AS count
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::boolean[], %s::int[])
        AS row (found_id, outcome, key, is_own, place)
    JOIN taxonomy_verdict AS verdict
        ON verdict.found_id = row.found_id AND verdict.outcome = coalesce(row.outcome, verdict.outcome)
    JOIN evalsets_example AS example ON example.id = verdict.example_id
    WHERE verdict.run_id = ANY(%s){narrowed} GROUP BY 1, 2, 3, 4, 5
)
SELECT run_id, place, key, is_own, least(count, n), n, count(*) FROM in_rows
JOIN looked_at USING (run_id, place, unit) GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL SELECT run_id, place, NULL, NULL, 0, n, count(*) FROM looked_at GROUP BY run_id, place, n
"""


class Place(NamedTuple):
    """A row's figure of one run: by whom, and whether of the type alone."""

    run: int
    source: str
    row: int
    is_own: bool


class Member(NamedTuple):
    """A FindingSet that counts in a row; ``outcome`` None: whatever the verdict says. ``place``: what its n is."""

    found: int
    outcome: str | None
    row: int
    is_own: bool
    place: int


NO_CHECKS: Checks = frozenset()
Estimates = tuple[dict[Place, ClusterEstimate], dict[tuple[int, Checks], ClusterEstimate]]


@dataclass(frozen=True, slots=True)
class Spread:
    """What clusters say of the rates; both mappings are empty where all outputs are independent.

    ``nothing``: (run, the checks whose n it is; none for people) -> of rows of which the run has no output.
    """

    has_clusters: bool = False
    has_repeats: bool = False
    by: Mapping[Place, ClusterEstimate] = field(default_factory=dict)
    nothing: Mapping[tuple[int, Checks], ClusterEstimate] = field(default_factory=dict)

    def by_people(self, run: int, row: int, is_own: bool = False) -> ClusterEstimate | None:
        return self.by.get(Place(run, Source.PEOPLE, row, is_own)) or self.nothing.get((run, NO_CHECKS))

    def by_checks(self, run: int, row: int, checks: Checks, is_own: bool = False) -> ClusterEstimate | None:
        return self.by.get(Place(run, Source.CHECK, row, is_own)) or self.nothing.get((run, checks))

    @property
    def is_any(self) -> bool:
        return self.has_clusters or self.has_repeats

    @property
    def are_few(self) -> bool:
        """Whether a run has fewer than 10 clusters, so that its intervals cannot be relied upon."""
        return any(estimate.are_few for estimate in (*self.by.values(), *self.nothing.values()))

    def as_json(self) -> dict[str, Any]:
        return {
            "has_clusters": self.has_clusters,
            "has_repeats": self.has_repeats,
            "few": self.are_few,
        }


def spread_of(
    version: EvalSetVersion, runs: Sequence[Run], narrowing: Narrowing, roller: Roller, meant: Meant | None
) -> Spread:
    """Look for examples that hang together, and if there are any, for what they say. ``meant`` None: people only."""
    repeats, clusters = any(run.repeats > 1 for run in runs), shares_clusters(version)
    if not repeats and not clusters:
        return Spread()
    keys = [run.pk for run in runs]
    found, nothing = clusters_by_people(keys, narrowing, roller)
    if meant is not None and meant.checks:
        by_checks = clusters_by_checks(keys, narrowing, roller, meant)
        found, nothing = found | by_checks[0], nothing | by_checks[1]
    return Spread(clusters, repeats, found, nothing)


def shares_clusters(version: EvalSetVersion) -> bool:
    """Whether several examples of the version are of one cluster. The facts of a version are counted once."""
    if version.facts.get("clusters") == 0:
        return False
    examples = Example.objects.filter(version=version).exclude(cluster="").order_by().values("cluster")
    return examples.annotate(several=Count("pk")).filter(several__gt=1).exists()


def clusters_by_people(runs: list[int], narrowing: Narrowing, roller: Roller) -> Estimates:
    members = [Member(found, "fail", ANY, False, 0) for found in roller.rows]
    for found, rows in roller.rows.items():
        members += [Member(found, None, row, False, 0) for row in rows[Source.PEOPLE].rolled - {ANY}]
        members += [Member(found, None, row, True, 0) for row in rows[Source.PEOPLE].own & roller.with_below]
    condition, parameters = narrowing.sql("verdict.output_id", "verdict.example_id")
    looked_at = SETTLED.format(unit=UNIT, narrowed=condition), [runs, *parameters]
    settled = f" AND verdict.source = 'people'{condition}", parameters
    return read_clusters(runs, Source.PEOPLE, looked_at, members, settled, [NO_CHECKS])


def clusters_by_checks(runs: list[int], narrowing: Narrowing, roller: Roller, meant: Meant) -> Estimates:
    ordered = sorted(meant.sets, key=sorted)
    places = {checks: place for place, checks in enumerate(ordered)}
    members = []
    for found, rows in roller.rows.items():
        said = rows[Source.CHECK]
        own = said.own & roller.with_below
        for is_own, keys, checks in ((False, said.rolled, meant.rolled), (True, own, meant.own)):
            members += [Member(found, None, row, is_own, places[checks[row]]) for row in keys if row in checks]
    asked = [(check, place) for checks, place in places.items() for check in sorted(checks)]
    condition, parameters = narrowing.sql("output.id", "output.example_id")
    looked_at = (
        JUDGED.format(unit=UNIT, narrowed=condition),
        [[check for check, _ in asked], [place for _, place in asked], runs, *parameters],
    )
    narrowed = narrowing.sql("verdict.output_id", "verdict.example_id")
    return read_clusters(runs, Source.CHECK, looked_at, members, narrowed, ordered)


def read_clusters(
    runs: list[int],
    source: Source,
    looked_at: tuple[str, list[Any]],
    members: Sequence[Member],
    narrowed: tuple[str, list[Any]],
    sets: Sequence[Checks],
) -> Estimates:
    """``looked_at``: a statement that gives (run, place, unit, n), and ``narrowed`` a condition of verdicts.

    ``sets``: the checks of each place.
    """
    statement = CLUSTERS.format(looked_at=looked_at[0], unit=UNIT, narrowed=narrowed[0])
    columns = [[getattr(member, name) for member in members] for name in Member._fields]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*looked_at[1], *columns, runs, *narrowed[1]])
        rows = cursor.fetchall()
    sizes: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    having: dict[tuple[int, int, int, bool], list[tuple[int, int, int]]] = defaultdict(list)
    for run, place, key, is_own, count, n, times in rows:
        if key is None:
            sizes[run, place][n] = times
        else:
            having[run, place, key, is_own].append((count, n, times))
    found = {}
    for (run, place, key, is_own), parts in having.items():
        if estimate := robust(list(each_cluster(sorted(parts), sizes[run, place]))):
            found[Place(run, source, key, is_own)] = estimate
    nothing = {(run, sets[place]): robust(list(each_cluster([], by_size))) for (run, place), by_size in sizes.items()}
    return found, {at: estimate for at, estimate in nothing.items() if estimate}


def each_cluster(parts: Sequence[tuple[int, int, int]], sizes: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """(count, n) of each cluster: of those in ``parts`` (count, n, times), and of all others of the run."""
    left = dict(sizes)
    for count, n, times in parts:
        left[n] -= times
        yield from [(count, n)] * times
    for n in sorted(left):
        yield from [(0, n)] * left[n]
