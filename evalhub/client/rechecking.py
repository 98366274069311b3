"""The figures of a report's breakdown worked out again from recounted rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.client.recomputing import BY, NO_SCORES, Held, held
from evalhub.client.recounting import PEOPLE, Looked, Recount

SEVERITIES = ("minor", "major", "critical")
CLUSTERED = "has an interval over clusters or repeats, which is not computed again"
Found = Mapping[str, Any]


def recheck(breakdown: Found, recount: Recount) -> Iterator[Held]:
    """Every figure of the breakdown, run by run."""
    for place, column in enumerate(breakdown["candidates"]):
        run, name = column["run"], f"{column['name']}, run {column['run']}"
        yield from of_column(column, run, name, recount)
        for row in breakdown["rows"]:
            for source in BY:
                if source in row:
                    pair = row[source][place]
                    for own, kind in ((False, "rolled"), (True, "own")):
                        what = f"Breakdown: {row['name']}, {BY[source]}{', without types below' if own else ''}, {name}"
                        looked = recount.mode(run, row["error_type"], source, own and row["error_type"] is not None)
                        yield of_cell(what, pair[kind], looked, source, column, recount, with_estimate=not own)


def of_column(column: Found, run: int, name: str, recount: Recount) -> Iterator[Held]:
    people = recount.failed_by_people(run)
    yield held(f"Breakdown: settled by people, {name}", column, {"settled": len(people.at)})
    yield of_cell(f"Breakdown: failed, {name}", column["failed"], people, PEOPLE, column, recount)
    found = recount.found_by_checks(run)
    yield of_cell(f"Breakdown: found by checks, {name}", column["found"], found, "check", column, recount)
    if column["weighted"] is not None:
        yield of_weights(f"Breakdown: weighted by severity, {name}", column["weighted"], run, len(people.at), recount)


def of_cell(
    name: str,
    cell: Found,
    looked: Looked | None,
    source: str,
    column: Found,
    recount: Recount,
    with_estimate: bool = True,
) -> Held:
    from taxonomy.statistics.rates import rate_of  # here, for the import takes a while

    if looked is None:
        return Held(name, lacks=NO_SCORES)
    rate = rate_of(len(looked.has), len(looked.at))
    values: dict[str, Any] = {"count": rate.count, "n": rate.n, "share": rate.share, "is_at_most": rate.is_at_most}
    lacks = CLUSTERED if cell["clusters"] is not None else ""
    if not lacks:
        values |= {"low": rate.low, "high": rate.high}
    if source == PEOPLE and with_estimate:
        values["estimated"] = estimate(looked, column, recount)
    return held(name, cell, values, lacks)


def estimate(looked: Looked, column: Found, recount: Recount) -> dict[str, Any] | None:
    from taxonomy.statistics.weighting import Group, hajek

    if column["unread"]:
        return None
    chances = recount.chances(column["run"], looked)
    found = hajek([Group(chance, n, count) for chance, (n, count) in chances.items()])
    if found is None:
        return None
    return {
        "share": found.share,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "effective_n": round(found.effective_n, 3),
    }


def of_weights(name: str, weighted: Found, run: int, settled: int, recount: Recount) -> Held:
    from taxonomy.statistics.severity import weighted_rate

    none = next(iter(weighted["weights"].keys() - set(SEVERITIES)), "")
    counts = {key or none: count for key, count in recount.worst(run).items()}
    rate = weighted_rate(counts, weighted["weights"], settled)
    whole = {key: counts.get(key, 0) for key in weighted["weights"]}
    return held(name, weighted, {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n, "counts": whole})
