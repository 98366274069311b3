"""Where the rows of a file go: what the address of an upload says, in the words of ``settings.UPLOAD_IMPORTS``."""

from __future__ import annotations

from typing import Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Field
from pydantic import ValidationInfo, field_validator

from evalhub.api.faults import ApiFault, at, not_found, not_understood, wrong_state
from evalhub.api.holding import KeyRequest
from evalhub.api.paging import Asked
from evalhub.api.shapes import MOST_NAMED, Id
from evalhub.candidates.models import Candidate
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Upload
from evalhub.runs.models import Run
from reviews.models import Round

Purpose = Upload.Purpose


class FileAsked(Asked):
    purpose: Literal["examples", "production_samples", "outputs", "labels"] = Field(
        description="What the rows are. Production samples need the role Admin."
    )
    file_name: str = Field("file", min_length=1, max_length=255, description="Its ending tells the format.")
    eval_set: int | None = Field(None, ge=1, le=2**63 - 1, description="For examples: where they go.")
    version: int | None = Field(None, ge=1, le=2**63 - 1, description="For outputs: the published version, by its id.")
    candidate: int | None = Field(None, ge=1, le=2**63 - 1, description="For outputs: whose they are, by its id,")
    candidate_name: str | None = Field(None, min_length=1, max_length=100, description="or by its name; made if new.")
    round: int | None = Field(
        None, ge=1, le=2**63 - 1, description="For labels: the open review round whose items they are of, by its id,"
    )
    round_name: str | None = Field(
        None, max_length=100, description="or the name of a new one, with an item for each output that has a label."
    )
    run: list[Id] = Field(
        [],
        max_length=MOST_NAMED,
        description="For labels in a new round: the run that was labelled, by its id. May be given more than once.",
    )

    @field_validator("candidate_name", "round_name")
    @classmethod
    def refuse_no_name(cls, name: str | None, about: ValidationInfo) -> str | None:
        if name is None:
            return None
        if "\0" in name or not name.strip():
            raise not_understood(at(f"query.{about.field_name}", "A name is not empty and has no NUL character."))
        return name.strip()


def target_of(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    """Where the rows go, in the words of the class that ``settings.UPLOAD_IMPORTS`` names."""
    purpose = Purpose(asked.purpose)
    if purpose == Purpose.EXAMPLES:
        return target_of_examples(request, asked)
    if purpose == Purpose.OUTPUTS:
        return target_of_outputs(request, asked)
    return target_of_labels(request, asked) if purpose == Purpose.LABELS else {}


def target_of_examples(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    if asked.eval_set is None:
        raise not_understood(at("query.eval_set", "Say where the examples go, by the eval set's id."))
    return {"eval_set": get_object_or_404(EvalSet.objects.in_project(request.project), pk=asked.eval_set).pk}


def target_of_outputs(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    if asked.version is None:
        raise not_understood(at("query.version", "Say of which version the outputs are, by its id."))
    version = get_object_or_404(EvalSetVersion.objects.in_project(request.project).listed(), pk=asked.version)
    if not version.is_published:
        raise wrong_state(f"{version} is not published. Publish it first.", version.state)
    return {"version": version.pk, **whose(request, asked)}


def whose(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    candidates = Candidate.objects.in_project(request.project)
    if (asked.candidate is None) == (asked.candidate_name is None):
        raise not_understood(at("query.candidate", "Say whose outputs these are: by candidate or by candidate_name."))
    if asked.candidate is not None:
        return {"candidate": get_object_or_404(candidates.active(), pk=asked.candidate).pk}
    found = candidates.filter(name=asked.candidate_name).first()
    if found is not None and found.archived_at is not None:
        raise ApiFault(422, "refused", f"“{found}” is archived. Bring it back first, or choose another candidate.")
    return {"candidate": found.pk} if found else {"candidate_name": asked.candidate_name}


def target_of_labels(request: KeyRequest, asked: FileAsked) -> dict[str, Any]:
    if (asked.round is None) == (asked.round_name is None):
        said = "Say where the labels go: by round into one that is there, or by round_name into a new one."
        raise not_understood(at("query.round", said))
    if asked.round is None:
        return {"round_name": asked.round_name, "runs": labelled_runs(request, asked.run)}
    if asked.run:
        raise not_understood(at("query.run", "A round that is there has its runs. Leave this out."))
    found = get_object_or_404(Round.objects.in_project(request.project), pk=asked.round)
    if found.closed_at:
        raise wrong_state(f"“{found}” is closed. Open it again, or choose another round.", "closed")
    return {"round": found.pk}


def labelled_runs(request: KeyRequest, keys: list[int]) -> list[int]:
    """The runs that a new round is of: as on the page, of one version, and none that was cancelled."""
    if not keys:
        raise not_understood(at("query.run", "Say which run was labelled, by its id; more than one by more of them."))
    runs = list(Run.objects.in_project(request.project).filter(pk__in=keys).order_by("pk"))
    if len(runs) < len(set(keys)):
        raise not_found()
    for run in runs:
        if run.state == Run.State.CANCELLED:
            raise wrong_state(f"Run {run.pk} is cancelled, so its outputs take no labels. Leave it out.", run.state)
    if len({run.version_id for run in runs}) > 1:
        said = "These runs are over different versions. Import them into a round for each version."
        raise not_understood(at("query.run", said))
    return [run.pk for run in runs]
