"""Candidates: the list, the form with its price offer, the baseline, the archive, and one call to try."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evalhub.candidates.forms import CandidateForm, TryForm, copy_of
from evalhub.candidates.models import Candidate, Endpoint
from evalhub.candidates.prices import Price, offered_price
from evalhub.candidates.standing import StandingError, archive, restore, set_baseline
from evalhub.candidates.trying import try_candidate
from evalhub.errors import EvalHubError
from evalhub.evalsets.models import EvalSetVersion, Example
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role, User
from evalhub.projects.trail import record_event
from evalhub.web.paging import page_of
from evalhub.web.rendering import render_page_or_fragment

EXAMPLES_TO_TRY = 30


@require_GET
@for_role(Role.LEAD)
def list_candidates(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The active candidates; with ``?archived=1`` the others."""
    is_archive = "archived" in request.GET
    everyone = Candidate.objects.in_project(project)
    shown = everyone.exclude(archived_at=None) if is_archive else everyone.active()
    context = {
        "page": page_of(request, shown.select_related("endpoint")),
        "is_archive": is_archive,
        "archived_count": everyone.exclude(archived_at=None).count(),
        "baseline": everyone.filter(is_baseline=True).first(),
        "has_endpoints": Endpoint.objects.in_project(project).exists(),
    }
    return render(request, "candidates/list.html", context)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new(request: MemberRequest, project: Project) -> HttpResponseBase:
    """A new candidate; ``?copy=ID`` begins with the settings of another."""
    initial: dict[str, Any] = {}
    if request.method == "GET" and (copied := request.GET.get("copy", "")).isdecimal():
        initial = copy_of(get_object_or_404(Candidate.objects.in_project(project), pk=copied[:18]))
    return show_form(request, project, Candidate(project=project), "added the candidate", initial)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def edit(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    candidate = get_object_or_404(Candidate.objects.in_project(project), pk=pk)
    return show_form(request, project, candidate, "changed the candidate", {})


def show_form(
    request: MemberRequest, project: Project, candidate: Candidate, verb: str, initial: dict[str, Any]
) -> HttpResponseBase:
    """Show or save a candidate. A button named “price” fills in the price and saves nothing."""
    former = Candidate.objects.get(pk=candidate.pk) if candidate.pk else None
    context: dict[str, Any] = {"candidate": former}
    if "price" in request.POST:
        context |= priced(project, candidate, request.POST)
        return render(request, "candidates/candidate.html", context)
    form = CandidateForm(request.POST or None, project=project, instance=candidate, initial=initial)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        record_event(project, request.user, verb, saved)
        messages.success(request, f"“{saved.name}” saved.")
        return redirect("candidates:list", project.slug)
    offer = offer_for(project, str(form["model"].value() or ""), str(form["endpoint"].value() or ""))
    context |= price_context(form, offer)
    return render(request, "candidates/candidate.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def prices(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The price fields of the form, for the model and endpoint that are typed in now."""
    return render(request, "candidates/_prices.html", priced(project, Candidate(project=project), request.GET))


def priced(project: Project, candidate: Candidate, typed: QueryDict) -> dict[str, Any]:
    """The form as it was typed, not judged yet, with the library's price on offer or, on “use”, filled in."""
    offer = offer_for(project, typed.get("model", ""), typed.get("endpoint", ""))
    initial: dict[str, Any] = {name: typed[name] for name in CandidateForm.base_fields if name in typed}
    if offer and typed.get("price") == "use":
        initial |= {"input_price": offer.input, "output_price": offer.output}
    form = CandidateForm(project=project, instance=candidate, initial=initial)
    return price_context(form, offer) | {"is_asked": True}


def offer_for(project: Project, model: str, endpoint_id: str) -> Price | None:
    endpoint = None
    if endpoint_id.isdecimal() and len(endpoint_id) < 19:
        endpoint = Endpoint.objects.in_project(project).filter(pk=endpoint_id).first()
    model = model.strip()
    return offered_price(model[:200], endpoint.base_url if endpoint else "") if model else None


def price_context(form: CandidateForm, offer: Price | None) -> dict[str, Any]:
    prices_now = price_in(form["input_price"].value()), price_in(form["output_price"].value())
    is_library_price = offer is not None and prices_now == (offer.input, offer.output)
    return {"form": form, "offer": offer, "is_library_price": is_library_price}


def price_in(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


@require_POST
@for_role(Role.LEAD)
def make_baseline(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_standing(request, project, pk, set_baseline, "is the baseline: the others are compared with it.")


@require_POST
@for_role(Role.LEAD)
def archive_candidate(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_standing(request, project, pk, archive, "is archived. Its runs stay.")


@require_POST
@for_role(Role.LEAD)
def restore_candidate(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    return change_standing(request, project, pk, restore, "is back among the candidates.")


def change_standing(
    request: MemberRequest, project: Project, pk: int, change: Callable[[Candidate, User], None], told: str
) -> HttpResponseBase:
    candidate = get_object_or_404(Candidate.objects.in_project(project), pk=pk)
    try:
        change(candidate, request.user)
        messages.success(request, f"“{candidate.name}” {told}")
    except StandingError as error:
        messages.error(request, str(error))
    return redirect("candidates:list", project.slug)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def try_it(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Send one example, or a text, to the candidate's endpoint and show all that came of it."""
    candidate = get_object_or_404(Candidate.objects.in_project(project).select_related("endpoint"), pk=pk)
    versions = EvalSetVersion.objects.in_project(project).published().select_related("eval_set")
    versions = versions.order_by("-published_at")
    version = chosen_version(versions, request.GET.get("version", ""))
    form = TryForm(request.POST or None, examples=first_examples(version))
    context: dict[str, Any] = {
        "candidate": candidate,
        "form": form,
        "version": version,
        "versions": versions[:EXAMPLES_TO_TRY],
    }
    if request.method == "POST" and form.is_valid():
        try:
            context["trial"] = try_candidate(candidate, form.request_to_send())
        except EvalHubError as error:
            context["refusal"] = str(error)
    status = 422 if form.errors or "refusal" in context else 200
    return render_page_or_fragment(request, "candidates/try.html", "candidates/_try.html", context, status=status)


def chosen_version(versions: QuerySet[EvalSetVersion], asked: str) -> EvalSetVersion | None:
    """The version asked for, else the newest. Raises Http404 for one that is not there."""
    if not asked:
        return versions.first()
    version = versions.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None
    if version is None:
        raise Http404
    return version


def first_examples(version: EvalSetVersion | None) -> list[Example]:
    if version is None:
        return []
    return list(version.examples.only("key", "request").order_by("position")[:EXAMPLES_TO_TRY])
