"""Endpoints, candidates and a published version, as tests need them."""

from __future__ import annotations

from evalhub.candidates.keys import set_key
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example
from evalhub.projects.models import Project, User


def make_endpoint(project: Project, name: str = "OpenAI", key: str = "", **fields: object) -> Endpoint:
    endpoint = Endpoint(project=project, name=name, **({"base_url": "http://127.0.0.1:9/v1"} | fields))
    if key:
        set_key(endpoint, key)
    endpoint.save()
    return endpoint


def make_candidate(
    project: Project, name: str = "Small", endpoint: Endpoint | None = None, **fields: object
) -> Candidate:
    model = {"model": "small-1"} if endpoint else {}
    return Candidate.objects.create(project=project, name=name, endpoint=endpoint, **(model | fields))


def make_version(project: Project, user: User, texts: list[str], name: str = "Questions") -> EvalSetVersion:
    """A published version with one user message an example."""
    version = EvalSetVersion.objects.create(
        eval_set=EvalSet.objects.create(project=project, name=name),
        number=1,
        state=EvalSetVersion.State.DRAFT,
        created_by=user,
        example_count=len(texts),
    )
    Example.objects.bulk_create(
        Example(
            version=version,
            position=number,
            key=f"q{number}",
            digest=bytes(32),
            request={"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]},
        )
        for number, text in enumerate(texts)
    )
    from django.utils import timezone

    EvalSetVersion.objects.filter(pk=version.pk).update(
        state=EvalSetVersion.State.PUBLISHED, published_at=timezone.now(), published_by=user
    )
    version.refresh_from_db()
    return version
