"""A small world with every kind of figure in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from evalhub.checks.models import Check
from evalhub.evalsets.models import EvalSetVersion
from evalhub.projects.models import Project
from evalhub.runs.models import Run
from taxonomy.models import CheckMeaning, ErrorType
from taxonomy.settling import record_check_verdicts, record_verdict
from taxonomy.versions import record_change
from tests.making import make_candidate, make_check, make_run, make_score, make_version, numbered

EXAMPLES = 12


@dataclass(frozen=True)
class Scene:
    version: EvalSetVersion
    types: dict[str, ErrorType]
    check: Check
    runs: list[Run]


def make_types(project: Project) -> dict[str, ErrorType]:
    """Grounding, with Invented and Left out below it; and Format by itself, which is critical."""
    ErrorType.objects.filter(project=project).delete()

    def made(code: str, parent: ErrorType | None = None, severity: str = "major") -> ErrorType:
        name = code.replace("_", " ").capitalize()
        position = ErrorType.objects.filter(project=project).count()
        return ErrorType.objects.create(
            project=project, code=code, name=name, position=position, parent=parent, severity=severity
        )

    grounding = made("grounding")
    types = [
        grounding,
        made("invented", grounding),
        made("left_out", grounding, "minor"),
        made("format", None, "critical"),
    ]
    with transaction.atomic():
        record_change(project, "New types", None)
    return {each.code: each for each in types}


def make_scene(project: Project) -> Scene:
    """Two candidates over 12 examples with tags, of which people settled the first eight, and a check judged all."""
    types = make_types(project)
    rows = [numbered(n) | {"tags": ["even"] if n % 2 == 0 else ["odd", "vip"]} for n in range(1, EXAMPLES + 1)]
    version = make_version(project, rows)
    check = make_check(version, "JSON")
    CheckMeaning.objects.create(by=check, error_type=types["format"])
    baseline = make_candidate(project, "old-model", is_baseline=True)
    runs = [make_run(version, baseline), make_run(version, "new-model")]
    for number, run in enumerate(runs):
        settle(run, types, check, number)
    return Scene(version, types, check, runs)


def settle(run: Run, types: dict[str, ErrorType], check: Check, number: int) -> None:
    outputs = list(run.outputs.order_by("pk"))
    for place, output in enumerate(outputs):
        make_score(output, check, passed=place % (4 - number) != 0)
    record_check_verdicts([output.pk for output in outputs])
    said = [["invented"], ["invented", "left_out"], ["grounding"], ["format"], [], None, None, None]
    for place, codes in enumerate(said[number:] + [None] * number):
        outcome = "pass" if codes is None else "fail"
        keys = [types[code].pk for code in codes or []]
        record_verdict(outputs[place], outcome, keys, 0.5 if place % 2 else 1.0)
