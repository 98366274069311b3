"""``evalhub verify``: a report's figures computed again from exported rows, without the server and its counting."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from evalhub.client.exported import Exported, RunRows, read_exports
from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.rechecking import recheck
from evalhub.client.recomputing import Held, compare, held
from evalhub.client.recounting import Recount
from evalhub.client.telling import Teller, counted

SCHEMA = 1
MEANINGS = """\
Counts, rates, intervals, differences and p-values are computed again from the rows, by the taxonomy, the meanings of
checks and the weights that the report itself names. Sentences, caveats and settings are words: they are not verified.

  evalhub report --run 7 --baseline 3 -o report.json
  for run in 3 7; do
    evalhub export verdicts --run $run --filter source=both -o verdicts-$run.jsonl
    evalhub export scores --run $run -o scores-$run.jsonl
    evalhub export outputs --run $run -o outputs-$run.jsonl
  done
  evalhub verify report.json verdicts-*.jsonl scores-*.jsonl outputs-*.jsonl

Where examples hang together in clusters, add those of “evalhub export examples”.

exit codes:
  0    every figure that could be computed again comes out the same
  1    a figure comes out otherwise, or none could be computed
  2    wrong use: a file that cannot be read, or is no report or export
"""
Found = Mapping[str, Any]


def verify(options: Namespace, teller: Teller) -> Exit:
    report = read_report(options.report)
    exported = read_exports(options.exports)
    answers = list(verified(report, exported))
    for each in answers:
        if options.all or each.standing != "same":
            teller.say(f"{each.standing}: {each.name}{told(each)}")
    counts = {standing: sum(each.standing == standing for each in answers) for standing in ORDER}
    teller.say(
        f"{counted(counts['same'], 'figure')} the same, {counts['differs']:,} different,"
        f" {counts['not verified']:,} not verified. Sentences and settings are not computed."
    )
    rows = [
        {"figure": each.name, "standing": each.standing, "differs": list(each.differs), "lacks": each.lacks}
        for each in answers
    ]
    teller.result({**counts, "figures": rows})
    return Exit.AT_FAULT if counts["differs"] or not counts["same"] else Exit.DONE


ORDER = ("same", "differs", "not verified")


def told(each: Held) -> str:
    parts = [*each.differs, *([each.lacks] if each.lacks else [])]
    return f": {'; '.join(parts)}" if parts else ""


def verified(report: Found, exported: Exported) -> Sequence[Held]:
    try:
        for run in (report["first"], report["second"]):
            if not exported.runs.get(run, RunRows()).has_verdicts:
                told = f"No verdict of run {run} is in the exports. Add “evalhub export verdicts --run {run}”."
                raise ClientFault(told, Exit.WRONG_USE)
        recount = Recount(report["basis"], exported.runs)
        figures = compare(report, recount, exported.clusters)
        return list(chain(hashes(report), figures, recheck(report["breakdown"], recount)))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise no_report("A part of it is missing or is not what it should be.") from error


def hashes(report: Found) -> list[Held]:
    """Those that the report's own content gives."""
    taxonomy = report["basis"]["taxonomy"]
    spelled = json.dumps(taxonomy["tree"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(spelled.encode()).hexdigest()
    versions = {"taxonomy_version": taxonomy["version"]}
    return [
        held("Basis: SHA-256 of the taxonomy", taxonomy, {"digest": digest}),
        held("Comparison: version of the taxonomy", report["comparison"], versions),
        held("Breakdown: version of the taxonomy", report["breakdown"], versions),
    ]


def read_report(path: str) -> Found:
    try:
        report = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ClientFault(f"{path} cannot be read: {error.strerror}.", Exit.WRONG_USE) from error
    except ValueError as error:
        raise no_report(f"{path} is not JSON.") from error
    if not isinstance(report, dict) or report.get("kind") != "evalhub report":
        raise no_report(f"{path} is another kind of file.")
    if report.get("schema") != SCHEMA:
        told = (
            f"{path} has the schema {report.get('schema')}; this command knows {SCHEMA}. Use the evalhub that made it."
        )
        raise ClientFault(told, Exit.WRONG_USE)
    return report


def no_report(why: str) -> ClientFault:
    return ClientFault(f"{why} Give the JSON of a report, as its page or “evalhub report” has it.", Exit.WRONG_USE)
