"""What a reader of a report must know before believing it. Pure: the report's own JSON in, sentences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalhub.web.templatetags.ui import number, percent

FEW_CLUSTERS = 10
MOST_NAMED = 12

Found = Mapping[str, Any]


def caveats_of(basis: Found, comparison: Found, breakdown: Found) -> list[dict[str, str]]:
    """``[{"kind", "text"}]``, in the order in which they are shown; those of the comparison first."""
    found = [("comparison", text) for text in comparison["caveats"]]
    found += [("eval_set", text) for text in about_eval_set(basis)]
    found += [("runs", text) for text in about_runs(basis)]
    found += [("reviewed", text) for text in about_reviewed(breakdown, basis)]
    found += [("unread", text) for text in about_unread(breakdown)]
    found += [("clusters", text) for text in about_clusters(breakdown, comparison)]
    found += [("cannot_tell", text) for text in about_cannot_tell(comparison)]
    found += [("meanings", text) for text in about_meanings(basis)]
    found += [("taxonomy", text) for text in about_taxonomy(basis, breakdown)]
    return [{"kind": kind, "text": text} for kind, text in found]


def about_eval_set(basis: Found) -> Iterator[str]:
    if not basis["eval_set"]["is_published"]:
        yield "The eval set version is a draft: its examples can still change, so it has no hash to hold them to."


def about_runs(basis: Found) -> Iterator[str]:
    for run in basis["runs"]:
        if run["plan_digest"] is None:
            yield (
                f"The outputs of {run['candidate']} were recorded elsewhere and uploaded: with which settings, EvalHub"
                " does not know."
            )


def about_reviewed(breakdown: Found, basis: Found) -> Iterator[str]:
    for column in breakdown["candidates"]:
        settled, outputs = column["settled"], column["outputs"]
        if not settled:
            yield f"People settled no output of {column['name']}: what they would find there is not known."
            continue
        rest = "" if settled == outputs else f", {percent(settled / outputs)}" if outputs else ""
        why = chosen(basis, column["run"])
        yield f"People settled {number(settled)} of {number(outputs)} outputs of {column['name']}{rest}{why}."
    if {column["settled"] > 0 for column in breakdown["candidates"]} == {True, False}:
        yield "People read outputs of one of the two only, so what they found cannot be compared."


def chosen(basis: Found, run: int) -> str:
    """“; of those in review rounds, 60 failed a check”: how the outputs of a run came to be read."""
    counts: dict[str, int] = {}
    for made in basis["rounds"]:
        for stratum in made["strata"]:
            if stratum["run"] == run and stratum["settled"]:
                name = " and ".join(title[:1].lower() + title[1:] for title in stratum["titles"]) or "no reason given"
                counts[name] = counts.get(name, 0) + stratum["settled"]
    if not counts:
        return ", outside of review rounds"
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ". Why they were chosen: " + ", ".join(f"{name} ({number(count)})" for name, count in ordered[:MOST_NAMED])


def about_unread(breakdown: Found) -> Iterator[str]:
    for column in breakdown["candidates"]:
        if column["unread"] and column["settled"]:
            kinds = "; of those that ".join(column["unread"])
            yield (
                f"Of the outputs of {column['name']} that {kinds}, people settled none: what they found says nothing of"
                " all outputs."
            )
        if column["unknown_probability"]:
            yield (
                f"Of {number(column['unknown_probability'])} settled outputs of {column['name']} it is not known what"
                " chance they had of being chosen, so that there is no estimate for all outputs."
            )


def about_clusters(breakdown: Found, comparison: Found) -> Iterator[str]:
    if any(figure["clusters"] is not None for figure in (*comparison["totals"], *comparison["modes"])):
        return  # the comparison says it already
    cells = [cell for row in breakdown["rows"] for source in ("people", "check") for cell in cells_of(row, source)]
    clusters = [cell["clusters"] for cell in cells if cell["clusters"] is not None]
    if clusters and min(clusters) < FEW_CLUSTERS:
        yield (
            f"Intervals of rates stand on as few as {min(clusters)} groups of examples that hang together. With fewer"
            f" than {FEW_CLUSTERS} they are not to be relied on."
        )


def cells_of(row: Found, source: str) -> Iterator[Found]:
    for pair in row.get(source, ()):
        yield from (pair["own"], pair["rolled"])


def about_cannot_tell(comparison: Found) -> Iterator[str]:
    modes = {mode["key"]: mode for mode in comparison["modes"]}
    # Those that were seen at all come first: a long list is cut.
    unknown = sorted((modes[key] for key in comparison["cannot_tell"]), key=is_unseen)
    if unknown:
        yield (
            "Of these failure modes the pairs show neither that they became more frequent nor less, which is no proof"
            f" of “no regression”: {listed(map(told, unknown))}."
        )


def is_unseen(mode: Found) -> bool:
    return bool(mode["neither"] == mode["pairs"])


def told(mode: Found) -> str:
    """“Slow” (by checks, about 900 pairs needed)."""
    needed = f", about {number(mode['needed'])} pairs needed" if mode["needed"] else ""
    return f"“{mode['name']}” ({'by people' if mode['source'] == 'people' else 'by checks'}{needed})"


def about_meanings(basis: Found) -> Iterator[str]:
    without = [check["name"] for check in basis["checks"] if not check["meanings"]]
    if without:
        yield (
            f"Failing {listed([f'“{name}”' for name in without])} means no error type: it counts in “right by the"
            " checks” alone."
        )
    unknown = [
        check["name"] for check in basis["checks"] if any(meaning["code"] is None for meaning in check["meanings"])
    ]
    if unknown:
        yield (
            f"What failing {listed([f'“{name}”' for name in unknown])} means was added after this version of the"
            " taxonomy: it counts under “Not in this version”."
        )


def about_taxonomy(basis: Found, breakdown: Found) -> Iterator[str]:
    found = [row for row in breakdown["rows"] if is_found(row)]
    if retired := [row["name"] for row in found if row["is_retired"]]:
        yield (
            f"Found, though retired in this version of the taxonomy: {listed([f'“{name}”' for name in retired])}."
            " They are not looked for any more."
        )
    if any(row["error_type"] is None for row in found):
        yield (
            "Some findings are of error types that this version of the taxonomy does not know yet; they have a row of"
            " their own."
        )
    names = {each["id"]: each["name"] for each in basis["taxonomy"]["tree"]}
    merged = [each for each in basis["taxonomy"]["tree"] if each["merged_into"] in names]
    if merged:
        told = [f"“{each['name']}” as “{names[each['merged_into']]}”" for each in merged]
        yield f"Merged error types count as the ones that they were merged into: {listed(told)}."


def is_found(row: Found) -> bool:
    return any(cell["count"] for source in ("people", "check") for cell in cells_of(row, source))


def listed(names: Iterable[str]) -> str:
    """With “and”; of a long list its beginning, and how many more there are."""
    names = list(names)
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {number(len(names) - MOST_NAMED)} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
