"""Corrections of expected answers: what people proposed, and what leads decide on it."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from evalhub.evalsets.correcting import accept
from evalhub.evalsets.corrections import CorrectionError, refuse, withdraw
from evalhub.evalsets.models import Correction, EvalSet, EvalSetVersion
from evalhub.evalsets.proposals import counts_of, decided, groups_of, next_number, open_examples, open_in
from evalhub.evalsets.tasks import draw_version_task, note_facts_task
from evalhub.evalsets.views.samples import PAGING, refuse_unknown
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of, whole

SHOWN = ("open", "decided")
EXAMPLES_ON_A_PAGE = 20
LONGEST_TEXT = 1_000_000


@require_GET
@for_role(Role.LEAD)
def list_corrections(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The proposals for the examples of an eval set: open ones by example, or decided ones, the latest first."""
    refuse_unknown(request, PAGING | {"show"})
    return show_list(request, get_object_or_404(EvalSet.objects.in_project(project), pk=pk))


def show_list(
    request: MemberRequest,
    eval_set: EvalSet,
    typed: Mapping[int, str | None] | None = None,
    fault: str = "",
    status: int = 200,
) -> HttpResponseBase:
    shown = request.GET.get("show", SHOWN[0])
    if shown not in SHOWN:
        raise BadRequest("The address does not say which corrections to show.")
    context = {
        "eval_set": eval_set,
        "shown": shown,
        "fault": fault,
        **counts_of(eval_set),
        "next_number": next_number(eval_set),
    }
    if shown == "open":
        page = page_of(request, open_examples(eval_set).select_related("example"), "pk", EXAMPLES_ON_A_PAGE)
        context["groups"] = groups_of(eval_set, page.rows, typed or {})
    else:
        page = page_of(request, decided(eval_set), "-pk")
    return render(request, "evalsets/corrections.html", context | {"page": page}, status=status)


@require_POST
@for_role(Role.LEAD)
def accept_corrections(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take those ticked, as they were changed, into the draft of the next version, and show that."""
    eval_set = get_object_or_404(EvalSet.objects.in_project(project), pk=pk)
    chosen = {key for text in request.POST.getlist("accept") if (key := whole(text)) is not None}
    typed: dict[int, str | None] = {
        key: text[:LONGEST_TEXT] if (text := request.POST.get(f"text-{key}")) is not None else None for key in chosen
    }
    try:
        draft = accept(eval_set, typed, request.user)
    except CorrectionError as error:
        return show_list(request, eval_set, typed, str(error), 422)
    if draft.state == EvalSetVersion.State.IMPORTING:
        draw_version_task.delay_on_commit(draft.pk)
    else:
        note_facts_task.delay_on_commit(draft.pk)
    count = f"{len(chosen):,} correction{' is' if len(chosen) == 1 else 's are'}"
    messages.success(request, f"{count} accepted into {draft}. It is a draft until somebody publishes it.")
    return redirect("evalsets:version", project.slug, draft.pk)


@require_POST
@for_role(Role.LEAD)
def refuse_correction(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    corrections = Correction.objects.in_project(project).select_related("example__version__eval_set__project")
    correction = get_object_or_404(corrections, pk=pk)
    eval_set = correction.example.version.eval_set
    try:
        refuse(correction, request.user, request.POST.get("answer", ""))
    except CorrectionError as error:
        return show_list(request, eval_set, fault=str(error), status=422)
    messages.success(request, "Refused. Whoever proposed it sees your word.")
    return redirect("evalsets:corrections", project.slug, eval_set.pk)


@require_GET
@for_role(Role.REVIEWER)
def list_own_corrections(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What one proposed oneself and what became of it; for leads also where proposals wait."""
    own = Correction.objects.in_project(project).filter(proposed_by=request.user)
    context = {
        "page": page_of(request, own.select_related("example__version", "decided_by", "accepted_into"), "-pk"),
        "waiting": open_in(project) if request.member.may(Role.LEAD) else [],
    }
    return render(request, "evalsets/own_corrections.html", context)


@require_POST
@for_role(Role.REVIEWER)
def withdraw_correction(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    own = Correction.objects.in_project(project).filter(proposed_by=request.user)
    try:
        withdraw(get_object_or_404(own, pk=pk), request.user)
    except CorrectionError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The proposal is withdrawn.")
    return redirect("evalsets:own_corrections", project.slug)


@require_GET
@for_role(Role.REVIEWER)
def corrections_summary(request: MemberRequest, project: Project) -> HttpResponseBase:
    """What the review overview says of corrections: to leads what waits, to everybody what they proposed."""
    own = Correction.objects.in_project(project).filter(proposed_by=request.user)
    context = {
        "waiting": open_in(project) if request.member.may(Role.LEAD) else [],
        "own_count": own.count(),
    }
    return render(request, "evalsets/_corrections_summary.html", context)
