"""Known answers: what is certainly right to say of an output, written down by a lead."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evalhub.evalsets.corrections import propose_correction
from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from evalhub.runs.models import Output
from reviews.assessment import Assessment
from reviews.counting import count_items
from reviews.models import Fault, KnownAnswer, Label, ReviewItem, Saying
from reviews.status import Status, as_of
from reviews.verdicts import settlement_of
from taxonomy.versions import tree_of


def known_answers(project: Project) -> QuerySet[KnownAnswer]:
    return KnownAnswer.objects.filter(project=project)


def proposed_answer(output: Output) -> dict[str, Any]:
    """What was settled of the output, as ``Saying.as_said``; empty when nothing was. Error types are the present ones.

    The note is that of the decision, or of the one person who labelled it: it is the feedback then.
    """
    found = settlement_of(output.pk)
    if found is None:
        return {}
    labels = list(Label.objects.filter(item=found.item).prefetch_related("error_types").order_by("pk"))
    source: Saying | None = found.decision or (labels[0] if len(labels) == 1 else None)
    details = source.as_said() if source else {}
    return {**details, "outcome": found.outcome, "error_types": sorted(as_of(tree_of(output.run.project), found.types))}


@transaction.atomic
def mark_known(output: Output, lead: User, said: Assessment, correction: str | None = None) -> KnownAnswer:
    """Write down what is known of the output, replacing what was before. Its note is the feedback after practice.

    Where the expected answer is wrong, its ``correction`` is proposed; raises CorrectionError when it does not fit.
    """
    values, project = said.values(), output.run.project
    known, is_new = KnownAnswer.objects.update_or_create(
        output=output, defaults=values, create_defaults={**values, "project": project, "created_by": lead}
    )
    known.error_types.set(said.error_types)
    if said.fault == Fault.EXPECTED and correction is not None:
        propose_correction(output.example, lead, said.note, correction)
    action = "wrote down the known answer of" if is_new else "changed the known answer of"
    record_event(project, lead, action, output.example.key)
    return known


@transaction.atomic
def take_mark_back(known: KnownAnswer, lead: User) -> None:
    """Nothing is known of the output any more, so nobody gets it as a known item and nobody is compared with it."""
    items = ReviewItem.objects.filter(output=known.output_id, is_known=True, round__closed_at=None)
    open_items = list(items.filter(status__in=ReviewItem.WANTING).order_by("pk").select_for_update(of=("self",)))
    ReviewItem.objects.filter(pk__in=[item.pk for item in open_items]).update(
        closed_at=timezone.now(), status=Status.CLOSED
    )
    for round_id in {item.round_id for item in open_items}:
        count_items(round_id)
    record_event(known.project, lead, "took back the known answer of", known.output.example.key)
    known.delete()
