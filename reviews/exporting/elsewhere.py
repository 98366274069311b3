"""Labels as records of other tools: what both kinds have in common, and OpenInference annotations.

An annotation has the shape in which Phoenix takes them (span_id, name, annotator_kind, result, metadata, identifier),
one line each. An output is no span, so its key stands in the place of one, as 16 hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from evalhub.evalsets.conversation import calls_of
from evalhub.runs.models import Output
from reviews.models import Label
from taxonomy.models import Verdict

NAME = "outcome"
BATCH = 500


def with_all_that_is_told(labels: QuerySet[Label]) -> QuerySet[Label]:
    """The labels with every row that the records name, so that reading one more asks nothing more."""
    joined = labels.select_related(
        "reviewer", "item__decision", "item__output__example", "item__output__run__candidate"
    )
    return joined.defer("item__output__raw").prefetch_related("error_types")


def answer_text(output: Output) -> str:
    """What came back, as text: the answer and the tool calls, or why there is none."""
    calls = [f"calls {call.name} {call.arguments}" for call in calls_of(output.tool_calls)]
    return "\n\n".join(filter(None, [output.text, *calls, output.error]))


def codes_of(label: Label) -> list[str]:
    """The codes of the label's error types, in the order that the lead gave them."""
    return [
        error_type.code for error_type in sorted(label.error_types.all(), key=lambda each: (each.position, each.pk))
    ]


def more_of(label: Label) -> dict[str, Any]:
    """What only leads see of a label and of the item it is of, for the tools' free fields."""
    item, output = label.item, label.item.output
    decision = getattr(item, "decision", None)
    told = {
        "reviewer": label.reviewer.name,
        "reviewer_id": label.reviewer_id,
        "error_types": codes_of(label),
        "severity": label.severity,
        "fault": label.fault,
        "failing_step": label.failing_step,
        "seconds": label.seconds,
        "is_imported": label.is_imported,
        "is_known": item.is_known,
        "item_id": item.pk,
        "item_status": item.status,
        "decision": decision.outcome if decision else None,
        "round": item.round_id,
        "output_id": output.pk,
        "example_id": output.example.key,
        "run": output.run_id,
        "candidate": output.run.candidate.name,
    }
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def openinference_annotations(labels: QuerySet[Label]) -> Iterator[dict[str, Any]]:
    """One annotation a label; its identifier lets a later import replace it rather than add to it."""
    for label in labels.iterator(chunk_size=BATCH):
        result = {"label": label.outcome, "score": 1.0 if label.outcome == Verdict.Outcome.PASS else 0.0}
        yield {
            "span_id": f"{label.item.output_id:016x}",
            "name": NAME,
            "annotator_kind": "HUMAN",
            "result": result | ({"explanation": label.note} if label.note else {}),
            "metadata": more_of(label),
            "identifier": f"evalhub-label-{label.pk}",
        }
