"""What a key opens, and whose it is."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from evalhub.api import shapes
from evalhub.api.holding import REVIEWER, KeyRequest
from evalhub.api.v1 import about


@about.get(
    "/project", auth=REVIEWER, response=shapes.ProjectFacts, url_name="project", summary="The project of the key"
)
def show_project(request: KeyRequest) -> shapes.ProjectFacts:
    """Whom the key stands for, what it may do, and how large an upload may be."""
    project, key = request.project, request.holder.key
    return shapes.ProjectFacts(
        slug=project.slug,
        name=project.name,
        description=project.description,
        person=request.user.name,
        key=shapes.Key(name=key.name, ending=key.ending, role=request.holder.role),
        upload_limit_bytes=settings.UPLOAD_LIMIT_BYTES,
        page=reverse("projects:overview", args=[project.slug]),
    )
