"""The figures of a report worked out from recounted rows, and each held against what the report says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalhub.client.recounting import PEOPLE, Looked, Pairs, Recount, paired

TOLERANCE = 5e-7
"""Reports round to nine digits, and two machines differ in the last one of many."""
LEVEL = 0.05
BY = {"people": "by people", "check": "by checks"}
NO_SCORES = "needs the exported scores of both runs"
NO_OUTPUTS = "needs the exported scores and outputs of both runs"
NO_EXAMPLES = "needs the exported examples, which say what hangs together"
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """One figure of the report. ``differs``: what of it comes out otherwise, in words; ``lacks``: what would be needed
    to compute (the rest of) it again. Neither: it comes out the same."""

    name: str
    differs: tuple[str, ...] = ()
    lacks: str = ""

    @property
    def standing(self) -> str:
        return "differs" if self.differs else "not verified" if self.lacks else "same"


def held(name: str, said: Found, found: Found, lacks: str = "") -> Held:
    """Compare what the report says with what was found, field by field of ``found``."""
    differs = [
        f"{field.replace('_', ' ')}: the report says {told(said.get(field))}, the rows {told(value)}"
        for field, value in found.items()
        if not is_same(said.get(field), value)
    ]
    return Held(name, tuple(differs), lacks)


def is_same(said: Any, found: Any) -> bool:
    if isinstance(said, bool) or isinstance(found, bool) or said is None or found is None:
        return said is found
    if isinstance(said, int | float) and isinstance(found, int | float):
        return abs(said - found) <= TOLERANCE
    if isinstance(said, list) and isinstance(found, list | tuple):
        return len(said) == len(found) and all(is_same(one, two) for one, two in zip(said, found, strict=True))
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        return said.keys() == found.keys() and all(is_same(said[key], found[key]) for key in said)
    return bool(said == found)


def told(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "nothing" if value is None else str(value)


def compare(report: Found, recount: Recount, clusters: Mapping[str, str] | None) -> Iterator[Held]:
    """The figures of the comparison. ``clusters``: example -> its cluster; None: not known."""
    comparison, first, second = report["comparison"], report["first"], report["second"]
    figures = [*comparison["totals"], *comparison["modes"]]
    repeats = max(run["repeats"] for run in report["basis"]["runs"])
    shares = any(figure["clusters"] is not None for figure in figures)
    method = Method(repeats > 1 or shares, clusters if shares else {})
    ps: dict[str, float] = {}
    results: list[tuple[Found, dict[str, Any], str]] = []
    for figure in figures:
        one, two = looked(recount, figure, first), looked(recount, figure, second)
        if one is None or two is None:
            results.append((figure, {}, NO_OUTPUTS if figure["key"] == "checks" else NO_SCORES))
            continue
        values, lacks = method.figure(paired(one, two))
        ps[figure["key"]] = values.get("p", figure["p"])
        results.append((figure, values, lacks))
    family = family_of(figures, ps)
    for figure, values, lacks in results:
        more = {} if not values else judged(figure, values, family, method.over_examples)
        yield held(f"Comparison: {name_of(figure)}", figure, {**values, **more}, lacks)
    yield from lists(comparison, figures)
    yield from missing(recount, comparison, first, second)


def name_of(figure: Found) -> str:
    own = ", without types below" if figure["own"] else ""
    is_mode = figure["key"] not in {"people", "checks"} and figure["check"] is None
    by = f", {BY[figure['source']]}" if is_mode else ""
    return f"{figure['name']}{by}{own}"


def looked(recount: Recount, figure: Found, run: int) -> Looked | None:
    if figure["key"] == "people":
        return recount.failed_by_people(run)
    if figure["key"] == "checks":
        return recount.wrong_by_checks(run)
    if figure["check"] is not None:
        return recount.by_check(run, figure["check"])
    return recount.mode(run, figure["error_type"], figure["source"], figure["own"])


@dataclass(frozen=True)
class Method:
    """Over pairs of outputs, or over examples where these have repeats or hang together in clusters."""

    over_examples: bool
    clusters: Mapping[str, str] | None

    def figure(self, pairs: Pairs) -> tuple[dict[str, Any], str]:
        """Fields as in the report, and what would be needed for those that are left out."""
        counts: dict[str, Any] = {
            "both": pairs.both,
            "first_only": pairs.first_only,
            "second_only": pairs.second_only,
            "neither": pairs.neither,
            "pairs": pairs.n,
            "examples": len(pairs.means),
            "alone": list(pairs.alone),
        }
        if not (pairs.means if self.over_examples else pairs.n):
            return counts | {"first": None, "second": None, "difference": None, "p": 1.0}, ""
        if not self.over_examples:
            return counts | over_pairs(pairs), ""
        if self.clusters is None:
            return counts, NO_EXAMPLES
        return counts | over_examples(pairs, self.clusters), ""


def over_pairs(pairs: Pairs) -> dict[str, Any]:
    from taxonomy.statistics.paired import difference, mcnemar  # here, for SciPy takes 0.1 s

    found = difference(pairs.both, pairs.first_only, pairs.second_only, pairs.neither)
    assert found is not None
    return {
        "first": (pairs.both + pairs.first_only) / pairs.n,
        "second": (pairs.both + pairs.second_only) / pairs.n,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": mcnemar(pairs.first_only, pairs.second_only),
        "clusters": None,
    }


def over_examples(pairs: Pairs, clusters: Mapping[str, str]) -> dict[str, Any]:
    from taxonomy.statistics.paired import mean_difference, weight_of_repeats

    means = list(pairs.means.values())
    ones, twos = [one for one, *_ in means], [two for _, two, *_ in means]
    weights = [weight_of_repeats(*repeats) for _, _, *repeats in means]
    # Whoever belongs to no cluster is one alone: a number, which no name of a cluster is.
    units = [clusters.get(example) or place for place, example in enumerate(pairs.means)]
    found = mean_difference(ones, twos, weights, units)
    assert found is not None
    first, second = (
        sum(mean * weight for mean, weight in zip(side, weights, strict=True)) / sum(weights) for side in (ones, twos)
    )
    return {
        "first": first,
        "second": second,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "clusters": len(set(units)) if any(isinstance(unit, str) for unit in units) else None,
    }


@dataclass(frozen=True)
class Family:
    """The modes that are corrected for each other: ``adjusted``: key -> p after that; ``planned``: the level of one."""

    adjusted: Mapping[str, float]
    planned: float


def family_of(figures: Sequence[Found], ps: Mapping[str, float]) -> Family:
    """Holm's correction over the modes in which the runs differ, without critical ones and those that are the same as
    one below them. Where a p could not be computed again, the report's own stands in the family.
    """
    from taxonomy.statistics.alarms import holm

    twins = {figure["key"]: twin_of(figure, figures[place + 1 :]) for place, figure in enumerate(figures)}
    known = {figure["key"]: ps.get(figure["key"], figure["p"]) for figure in figures}
    family = [
        figure["key"]
        for figure in figures
        if (figure["first_only"] or figure["second_only"] or known[figure["key"]] < 1)
        and not is_alone(figure)
        and twins[figure["key"]] == figure["key"]
    ]
    corrected = dict(zip(family, holm([known[key] for key in family]), strict=True))
    return Family({key: corrected.get(twins[key], p) for key, p in known.items()}, LEVEL / max(len(family), 1))


def is_alone(figure: Found) -> bool:
    return (
        figure["key"] in {"people", "checks"}
        or figure["check"] is not None
        or bool(figure["own"])
        or figure["severity"] == "critical"
    )


def twin_of(figure: Found, following: Sequence[Found]) -> str:
    """The deepest mode below it with the same pairs, in tree order; its own key if there is none."""
    key = str(figure["key"])
    if is_alone(figure) or not figure["pairs"]:
        return key
    for other in following:
        if is_alone(other) or other["source"] != figure["source"]:
            continue
        if other["depth"] <= figure["depth"]:
            break
        if all(other[name] == figure[name] for name in ("both", "first_only", "second_only", "neither", "examples")):
            key = str(other["key"])
    return key


def judged(figure: Found, values: Found, family: Family, over_examples: bool) -> dict[str, Any]:
    """What follows from the difference and its p. A type without those below it is not tested."""
    from taxonomy.statistics.alarms import PairCounts, needed_of
    from taxonomy.statistics.power import smallest_difference

    adjusted, difference = family.adjusted[figure["key"]], values.get("difference", figure["difference"])
    if figure["own"] or difference is None or adjusted > LEVEL or not difference:
        standing = "cannot_tell"
    else:
        standing = "worse" if difference > 0 else "better"
    found = {"adjusted_p": adjusted, "standing": standing}
    if over_examples or figure["own"] or not values["pairs"]:
        return found
    counts = PairCounts(values["both"], values["first_only"], values["second_only"], values["neither"])
    level = LEVEL if is_alone(figure) else family.planned
    return {
        **found,
        "needed": needed_of(counts, level) if standing == "cannot_tell" else None,
        "shows": smallest_difference(counts.n, counts.discordant / counts.n, level),
    }


def lists(comparison: Found, figures: Sequence[Found]) -> Iterator[Held]:
    """What the report lists as worse, critical or not to be told, against the figures that it gives."""
    modes = [f for f in comparison["modes"] if f["pairs"] and not f["own"]]
    places = {figure["key"]: place for place, figure in enumerate(figures)}
    modes = [f for f in modes if twin_of(f, figures[places[f["key"]] + 1 :]) == f["key"]]
    expected = {
        "regressions": {f["key"] for f in modes if f["standing"] == "worse"},
        "critical": {f["key"] for f in modes if f["severity"] == "critical" and f["second_only"]},
        "cannot_tell": {f["key"] for f in modes if f["standing"] == "cannot_tell"},
    }
    for name, keys in expected.items():
        yield held(
            f"Comparison: which are listed as {name}", {"keys": sorted(comparison[name])}, {"keys": sorted(keys)}
        )


def missing(recount: Recount, comparison: Found, first: int, second: int) -> Iterator[Held]:
    """Failure modes in the rows that the report leaves out."""
    told = {(f["error_type"], f["source"], bool(f["own"])) for f in comparison["modes"]}
    names = {key: each.name for key, each in recount.tree.types.items()}
    for source in BY:
        found = set()
        for run in (first, second):
            for verdict in recount.runs[run].verdicts.values():
                found |= recount.rows_of_codes(verdict.people if source == PEOPLE else verdict.checks)
        for key in sorted({key for key, own in found if not own and (key, source, False) not in told}, key=str):
            name = names.get(key, "Not in this version") if key else "Not in this version"
            yield Held(f"Comparison: {name}, {BY[source]}", ("it is in the rows, and not in the report",))
