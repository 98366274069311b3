"""The page on which a person says of what they want to be told in this project, and by what."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from reviews.models import Notice, NoticeChoice
from reviews.notices.finding import choose_notices
from reviews.notices.forms import NoticeForm
from reviews.notices.sending import mail_fault, post_all, trial_message

MOST_NOTICES = 20


@require_http_methods(["GET", "POST"])
@for_role(Role.REVIEWER)
def notices(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose, and see what was sent and what could not be."""
    choice = NoticeChoice.objects.filter(project=project, person=request.user).first()
    form = NoticeForm(request.POST if request.method == "POST" else None, role=request.member.role, choice=choice)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        choose_notices(project, request.user, data["by_email"], data["by_webhook"], data["webhook_url"])
        messages.success(request, "Saved. You are told of what happens from now on.")
        return redirect("reviews:notices", project.slug)
    told = Notice.objects.filter(round__project=project, person=request.user).exclude(attempts=0, sent_at=None)
    context = {
        "form": form,
        "choice": choice,
        "sends_email": bool(settings.EMAIL_HOST),
        "notices": told.select_related("round").order_by("-pk")[:MOST_NOTICES],
    }
    return render(request, "reviews/notices.html", context, status=422 if form.errors else 200)


@require_POST
@for_role(Role.REVIEWER)
def test_notice(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Send a test to the saved address of the webhook, or to the person's e-mail address, and say how it went."""
    message = trial_message(project)
    if request.POST.get("way") == Notice.Way.EMAIL:
        to, fault = request.user.email, mail_fault(request.user, message)
    else:
        choice = NoticeChoice.objects.filter(project=project, person=request.user).first()
        to = choice.webhook_url if choice else ""
        fault = asyncio.run(post_all([(to, message)]))[0] if to else "Save the address of the webhook first."
    if fault:
        messages.error(request, f"The test did not arrive. {fault}")
    else:
        messages.success(request, f"The test went out to {to}.")
    return redirect("reviews:notices", project.slug)
