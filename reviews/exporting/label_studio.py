"""Labels as tasks of Label Studio: one task an item, with one annotation for each reviewer.

Its import refuses annotators whom it does not know, so who gave an annotation stands in the annotation, in the field
“reviewer”, and the annotations belong to whoever imports them. The labelling configuration that goes with the tasks:

    <View>
      <Text name="request" value="$request"/>
      <Text name="expected" value="$expected"/>
      <Text name="answer" value="$answer"/>
      <Choices name="outcome" toName="answer"><Choice value="pass"/><Choice value="fail"/></Choices>
      <Choices name="error_types" toName="answer" choice="multiple"> one Choice for each code </Choices>
      <Choices name="severity" toName="answer"> minor, major, critical </Choices>
      <Choices name="fault" toName="answer"> model, expected, check, request, infrastructure </Choices>
      <Number name="failing_step" toName="answer"/>
      <TextArea name="note" toName="answer"/>
      <TextArea name="reviewer" toName="answer"/>
    </View>
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db.models import QuerySet

from evalhub.evalsets.conversation import transcript
from evalhub.evalsets.corrections import editable_text
from reviews.exporting.elsewhere import BATCH, answer_text, codes_of
from reviews.models import Label, ReviewItem


def label_studio_tasks(labels: QuerySet[Label]) -> Iterator[dict[str, Any]]:
    """``labels`` come item by item; items without one are none of the tasks."""
    for _, of_item in groupby(labels.iterator(chunk_size=BATCH), key=lambda label: label.item_id):
        given = list(of_item)
        yield {"data": data_of(given[0].item), "annotations": [annotation_of(label) for label in given]}


def data_of(item: ReviewItem) -> dict[str, Any]:
    """What the annotators see, and beside it what the task was."""
    output, example = item.output, item.output.example
    return {
        "request": transcript(example.request),
        "expected": editable_text(example.expected_kind, example.expected),
        "answer": answer_text(output),
        "example_id": example.key,
        "output_id": output.pk,
        "item_id": item.pk,
        "round": item.round_id,
        "run": output.run_id,
        "candidate": output.run.candidate.name,
        "status": item.status,
        "is_known": item.is_known,
    }


def annotation_of(label: Label) -> dict[str, Any]:
    result = [choices(label, "outcome", [label.outcome])]
    result += [choices(label, "error_types", codes)] if (codes := codes_of(label)) else []
    result += [choices(label, name, [value]) for name in ("severity", "fault") if (value := getattr(label, name))]
    if label.failing_step is not None:
        result.append(region(label, "failing_step", "number", {"number": label.failing_step}))
    told = {"note": label.note, "reviewer": label.reviewer.name}
    result += [region(label, name, "textarea", {"text": [text]}) for name, text in told.items() if text]
    return {
        "id": label.pk,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": label.seconds,
        "created_at": label.created_at,
        "updated_at": label.changed_at,
    }


def choices(label: Label, name: str, values: list[str]) -> dict[str, Any]:
    return region(label, name, "choices", {"choices": values})


def region(label: Label, name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """One control's value; its id has to be another one for each region of a task."""
    return {"id": f"{label.pk}-{name}", "from_name": name, "to_name": "answer", "type": kind, "value": value}
