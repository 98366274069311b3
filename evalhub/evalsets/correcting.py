"""Accepted corrections become the draft of the eval set's next version. What is published never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from django.db import connection, transaction

from evalhub.evalsets.contents import line_of
from evalhub.evalsets.corrections import (
    CorrectionError,
    editable_text,
    note_decision,
    read_expected_text,
    same_expected,
)
from evalhub.evalsets.files.canonical import compact_json
from evalhub.evalsets.files.faults import shown
from evalhub.evalsets.models import Correction, EvalSet, EvalSetVersion, Example
from evalhub.evalsets.versions import begin_version, settle_draft
from evalhub.projects.models import User
from evalhub.projects.trail import record_event

COPIED_AT_ONCE = 20_000
"""Examples: with more, the person does not wait for the copy of the version. So many take less than a second."""

COPY = """
INSERT INTO evalsets_example (
    version_id, position, key, request, expected_kind, expected, tags, cluster, metadata, digest, sample_id,
    inclusion_probability
)
SELECT %(new)s, position, key, request, expected_kind, expected, tags, cluster, metadata, digest, sample_id,
    inclusion_probability
FROM evalsets_example WHERE version_id = %(old)s ORDER BY position
"""
FIND = """
SELECT id, key, request::text, tags, cluster, metadata::text FROM evalsets_example
WHERE version_id = %s AND key = ANY(%s)
"""
CORRECT = "UPDATE evalsets_example SET expected_kind = %s, expected = %s::json, digest = %s WHERE id = %s"

State = Correction.State


def newest_version(eval_set: EvalSet) -> EvalSetVersion | None:
    return eval_set.versions.listed().order_by("-number").first()


@transaction.atomic
def accept(eval_set: EvalSet, chosen: Mapping[int, str | None], lead: User) -> EvalSetVersion:
    """Accept proposals, by their keys, into the draft of the eval set's next version, which is made if there is none.

    ``chosen`` has the text of the expected answer as the lead changed it, or None for what was proposed. The other open
    proposals for the same example are decided with it: accepted where they say the same, else refused.

    Returns the draft; the caller sends ``draw_version_task`` while it is still “importing”, and ``note_facts_task``.
    Raises CorrectionError, naming the example, when one of them cannot be accepted; then none is.
    """
    EvalSet.objects.select_for_update().get(pk=eval_set.pk)  # two leads at once get one draft
    corrections = locked_proposals(eval_set, chosen)
    for correction in corrections:
        take_text(correction, chosen[correction.pk])
    newest = newest_version(eval_set)
    assert newest is not None, "each proposal is about an example of some version"
    refuse_unless_open(newest)
    refuse_strangers(newest, corrections)
    draft = newest
    if newest.is_published:
        draft = begin_version(eval_set, lead, note=f"v{newest.number} with corrected expected answers")
    for correction in corrections:
        settle_proposals(correction, draft, lead)
    if draft.state == EvalSetVersion.State.DRAFT:
        correct_examples(draft)
    elif newest.example_count <= COPIED_AT_ONCE:
        fill_corrected(draft.pk)
    count = f"{len(corrections):,} correction{'s' if len(corrections) != 1 else ''}"
    record_event(eval_set.project, lead, f"accepted {count} into", draft)
    draft.refresh_from_db()
    return draft


def locked_proposals(eval_set: EvalSet, chosen: Iterable[int]) -> list[Correction]:
    found = Correction.objects.select_for_update(of=("self",)).filter(example__version__eval_set=eval_set)
    wanted = set(chosen)
    corrections = list(found.filter(pk__in=wanted, state=State.OPEN).select_related("example").order_by("pk"))
    if not wanted:
        raise CorrectionError("No proposal is chosen. Tick those that are right.")
    if len(corrections) < len(wanted):
        raise CorrectionError("One of the proposals is not open any more. Reload the page, and choose again.")
    return corrections


def take_text(correction: Correction, text: str | None) -> None:
    """Put what the lead made of the proposal into it, and what it was before into the answer."""
    place = f"Example {shown(correction.example.key)}"
    if not (text or "").strip():
        if correction.is_open_ended or text is not None:
            raise CorrectionError(f"{place}: nobody has said what is right. Write it down, or leave the example out.")
        return
    try:
        kind, expected = read_expected_text(correction.expected_kind, text or "")
    except CorrectionError as error:
        raise CorrectionError(f"{place}: {error}") from error
    if not correction.is_open_ended:
        if same_expected(kind, expected, correction.expected_kind, correction.expected):
            return
        proposed = editable_text(correction.expected_kind, correction.expected)
        correction.answer = f"Changed before it was accepted; proposed was {shown(proposed)}."
    else:
        correction.answer = "What is right was written by whoever accepted it."
    correction.expected_kind, correction.expected, correction.is_open_ended = kind, expected, False


def refuse_unless_open(newest: EvalSetVersion) -> None:
    if newest.state == EvalSetVersion.State.IMPORTING:
        raise CorrectionError(f"{newest} is still being filled. Accept the corrections when its examples are there.")
    if newest.is_publishing:
        raise CorrectionError(f"{newest} is being published. Accept the corrections when that is done.")


def refuse_strangers(newest: EvalSetVersion, corrections: list[Correction]) -> None:
    """Raise CorrectionError for examples that the newest version lacks or asks otherwise, or that are named twice."""
    present = {
        example.key: compact_json(example.request)
        for example in newest.examples.filter(key__in=[correction.example.key for correction in corrections])
    }
    seen: set[str] = set()
    for correction in corrections:
        key = correction.example.key
        if key in seen:
            raise CorrectionError(f"Example {shown(key)}: two of its proposals are chosen. Choose one.")
        seen.add(key)
        if present.get(key) != compact_json(correction.example.request):
            what = "asks something else" if key in present else "is not there any more"
            raise CorrectionError(
                f"Example {shown(key)} {what} in {newest}, the newest version, so it cannot be corrected there. Leave "
                "it out, or refuse the proposal."
            )


def settle_proposals(accepted: Correction, draft: EvalSetVersion, lead: User) -> None:
    """Accept a proposal, and decide the others for the same example with it.

    Those refused name the version too, so that they are open again when its draft is deleted.
    """
    others = Correction.objects.select_for_update(of=("self",)).filter(
        example__version__eval_set=draft.eval_set_id, example__key=accepted.example.key, state=State.OPEN
    )
    for other in others.exclude(pk=accepted.pk):
        same = not other.is_open_ended and same_expected(
            other.expected_kind, other.expected, accepted.expected_kind, accepted.expected
        )
        other.accepted_into = draft
        if same or other.is_open_ended:
            note_decision(other, State.ACCEPTED, lead, "" if same else "Accepted as another person proposed it.")
        else:
            note_decision(other, State.REFUSED, lead, "Another proposal for this example was accepted.")
    accepted.accepted_into = draft
    note_decision(accepted, State.ACCEPTED, lead, accepted.answer)


@transaction.atomic
def fill_corrected(version_id: int) -> None:
    """Fill a version made of corrections with the newest published examples before it. Safe to repeat."""
    waiting = EvalSetVersion.objects.filter(state=EvalSetVersion.State.IMPORTING, upload=None, drawing={})
    version = waiting.select_for_update(of=("self",)).select_related("eval_set").filter(pk=version_id).first()
    if version is None or not version.corrections.exists():
        return
    old = version.eval_set.versions.published().filter(number__lt=version.number).order_by("-number")[0]
    with connection.cursor() as cursor:
        cursor.execute(COPY, {"new": version.pk, "old": old.pk})
    correct_examples(version)
    EvalSetVersion.objects.filter(pk=version_id).update(drawing=old.drawing)
    settle_draft(version)


def correct_examples(draft: EvalSetVersion) -> None:
    """Write the expected answers accepted into a draft into its examples, the latest of each; count its facts again."""
    accepted = draft.corrections.filter(state=State.ACCEPTED, is_open_ended=False).select_related("example")
    latest = {correction.example.key: correction for correction in accepted.order_by("decided_at", "pk")}
    with connection.cursor() as cursor:
        cursor.execute(FIND, [draft.pk, list(latest)])
        for pk, key, request, tags, cluster, metadata in cursor.fetchall():
            kind, expected = latest[key].expected_kind, compact_json(latest[key].expected).decode()
            line = line_of(key, request, kind, expected, tags, cluster, metadata)
            cursor.execute(CORRECT, [kind, expected, hashlib.sha256(line).digest(), pk])
    EvalSetVersion.objects.filter(pk=draft.pk).update(facts={})


def present_examples(eval_set: EvalSet, keys: Iterable[str]) -> dict[str, Example]:
    """The examples of these keys as the newest version has them."""
    newest = newest_version(eval_set)
    return {example.key: example for example in newest.examples.filter(key__in=list(keys))} if newest else {}
