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
from reviews.notices.finding import choose_notices, make_secret
from reviews.notices.forms import NoticeForm
from reviews.notices.sending import mail_fault, post_all, trial_message, trial_post

MOST_NOTICES = 20


@require_http_methods(["GET", "POST"])
@for_role(Role.REVIEWER)
def notices(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Choose, and see what was sent and what could not be. A new webhook's secret is shown in the answer, once."""
    if request.method == "GET":
        return show_notices(request, project)
    form = NoticeForm(request.POST, role=request.member.role, choice=choice_of(request, project))
    if not form.is_valid():
        return show_notices(request, project, form=form)
    data = form.cleaned_data
    chosen = choose_notices(project, request.user, data["by_email"], data["by_webhook"], data["webhook_url"])
    messages.success(request, "Saved. You are told of what happens from now on.")
    if chosen.secret is not None:
        return show_notices(request, project, secret=chosen.secret)
    return redirect("reviews:notices", project.slug)


@require_POST
@for_role(Role.REVIEWER)
def new_webhook_secret(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Make the webhook's secret anew, and show it once."""
    secret = make_secret(project, request.user)
    if secret is None:
        messages.error(request, "Save the address of the webhook first.")
        return redirect("reviews:notices", project.slug)
    return show_notices(request, project, secret=secret)


def choice_of(request: MemberRequest, project: Project) -> NoticeChoice | None:
    return NoticeChoice.objects.select_related("project").filter(project=project, person=request.user).first()


def show_notices(
    request: MemberRequest, project: Project, *, form: NoticeForm | None = None, secret: str = ""
) -> HttpResponseBase:
    choice = choice_of(request, project)
    told = Notice.objects.filter(round__project=project, person=request.user).exclude(attempts=0, sent_at=None)
    context = {
        "form": form or NoticeForm(None, role=request.member.role, choice=choice),
        "choice": choice,
        "secret": secret,
        "sends_email": bool(settings.EMAIL_HOST),
        "notices": told.select_related("round").order_by("-pk")[:MOST_NOTICES],
    }
    return render(request, "reviews/notices.html", context, status=422 if form else 200)


@require_POST
@for_role(Role.REVIEWER)
def test_notice(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Send a test to the saved address of the webhook, or to the person's e-mail address, and say how it went."""
    if request.POST.get("way") == Notice.Way.EMAIL:
        to, fault = request.user.email, mail_fault(request.user, trial_message(project))
    else:
        choice = choice_of(request, project)
        to = choice.webhook_url if choice else ""
        fault = "Save the address of the webhook first."
        if choice and to:
            fault = asyncio.run(post_all([trial_post(choice)]))[0]
    if fault:
        messages.error(request, f"The test did not arrive. {fault}")
    else:
        messages.success(request, f"The test went out to {to}.")
    return redirect("reviews:notices", project.slug)
