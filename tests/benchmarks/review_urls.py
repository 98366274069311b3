"""All addresses of EvalHub and one more: the empty view that the review benchmark takes as its floor."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.urls import urlpatterns as evalhub_urls
from reviews.models import ReviewItem


@for_role(Role.REVIEWER)
def empty(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One row by its key, in two words; through the same middleware, sign-in and membership as every page."""
    item = get_object_or_404(ReviewItem, pk=pk)
    return HttpResponse(f"item {item.pk}")


urlpatterns = [path("p/<slug:slug>/bench/items/<int:pk>/", empty), *evalhub_urls]
