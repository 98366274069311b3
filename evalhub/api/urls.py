"""/api/v1/: the operations, their description, and an answer in JSON to everything else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, include, path, re_path

from evalhub.api import (  # noqa: F401 -- importing them is what adds their operations to the routers
    comparison_views,
    document_views,
    eval_set_views,
    export_views,
    project_views,
    run_views,
    upload_views,
)
from evalhub.api.v1 import ROUTERS, api

for router in ROUTERS:
    api.add_router("", router)


def operations() -> list[URLPattern]:
    """The operations without ninja's own pages. A key opens them; a session, as everywhere here, counts for nothing."""
    # Ninja names a path once for each of its methods; the view is the same.
    found = {
        str(each.pattern): each for each in api.urls[0] if isinstance(each, URLPattern) and each.name != "api-root"
    }
    for pattern in found.values():
        login_not_required(pattern.callback)
    return list(found.values())


app_name = "api"
urlpatterns = [
    path("v1/openapi.json", document_views.openapi, name="openapi"),
    path("v1/docs/", document_views.docs, name="docs"),
    path("v1/", include(operations())),
    re_path("^(?P<rest>.*)$", document_views.unknown, name="unknown"),
]
