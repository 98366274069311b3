"""The error types: their tree, one of them, its words and examples."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count as CountRows
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from evalhub.checks.describing import cause_title
from evalhub.exports.sources import ExportError, NotThere
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.web.paging import page_of
from taxonomy.models import CheckMeaning, ErrorType, SeverityWeights, Source, TaxonomyVersion, TypeExample
from taxonomy.tree import Tree
from taxonomy.types.changes import Add, Edit, Order
from taxonomy.types.editing import carry_out, types_of
from taxonomy.types.effects import Count, all_tallies, counts_of
from taxonomy.types.example_forms import ExampleForm
from taxonomy.types.examples import examples_of
from taxonomy.types.forms import EditForm, NewTypeForm, OrderForm, WeightsForm
from taxonomy.types.history import history_of
from taxonomy.types.outputs import TypeOutputs
from taxonomy.types.planning import TaxonomyError, Types, above, children, tree_from
from taxonomy.types.weighing import set_weights, weights_of


def figures(project: Project, tree: Tree) -> dict[int, tuple[Count, Count]]:
    """type -> its outputs over all runs, by people and by checks."""
    tallies = all_tallies(project)
    by_people, by_checks = (counts_of(tree, tallies, source) for source in (Source.PEOPLE, Source.CHECK))
    return {each.pk: (by_people.get(each.pk, Count()), by_checks.get(each.pk, Count())) for each, _ in tree.rows}


@require_GET
@for_role(Role.REVIEWER)
def error_types(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The tree. Figures are for leads: who reviews should not know which types others find most."""
    types = types_of(project)
    tree = tree_from(types)
    counted = figures(project, tree) if request.member.may(Role.LEAD) else {}
    examples = dict(
        TypeExample.objects.filter(error_type__project=project)
        .values_list("error_type")
        .annotate(count=CountRows("pk"))
    )
    rows: list[dict[str, Any]] = [
        {
            "type": each,
            "depth": depth,
            "counts": counted.get(each.pk),
            "examples": examples.get(each.pk, 0),
            "is_heading": bool(children(types, each.pk)),
        }
        for each, depth in tree.rows
    ]
    retired = [row for row in rows if row["type"].is_retired]
    merged = [(each, tree.types[each.merged_into]) for each in types.values() if each.merged_into is not None]
    context = {
        "rows": [row for row in rows if not row["type"].is_retired],
        "retired": retired,
        "merged": merged,
        "gone": len(retired) + len(merged),
        "owners": names_of_owners(types),
        "version": TaxonomyVersion.objects.filter(project=project).select_related("made_by").defer("tree").first(),
    }
    return render(request, "taxonomy/error_types.html", context)


def names_of_owners(types: Types) -> dict[int, str]:
    from evalhub.projects.models import User

    keys = {each.owner for each in types.values() if each.owner}
    return {person.pk: str(person) for person in User.objects.filter(pk__in=keys)} if keys else {}


@require_GET
@for_role(Role.REVIEWER)
def error_type(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """One error type, to be read."""
    found = get_object_or_404(ErrorType.objects.in_project(project).select_related("owner"), pk=pk)
    return show_type(request, project, found)


def show_type(
    request: MemberRequest, project: Project, found: ErrorType, form: ExampleForm | None = None
) -> HttpResponseBase:
    types = types_of(project)
    tree, is_lead = tree_from(types), request.member.may(Role.LEAD)
    examples, hidden = examples_of(tree, found, request.user, Role(request.member.role))
    context = {
        "error_type": found,
        "path": [types[key] for key in reversed(above(types, found.pk))],
        "below": children(types, found.pk),
        "merged": [each for each in types.values() if each.merged_into == found.pk],
        "into": types[found.merged_into_id] if found.merged_into_id else None,
        "counts": figures(project, tree).get(found.pk) if is_lead else None,
        "examples": examples,
        "hidden": hidden,
        "history": history_of(project, found.pk),
        "meanings": meanings_of(found),
        "form": form or ExampleForm(),
    }
    return render(request, "taxonomy/error_type.html", context, status=422 if form and form.errors else 200)


def meanings_of(found: ErrorType) -> list[tuple[CheckMeaning, str]]:
    """The active checks that find it, each with the cause by which it does; "" for every cause."""
    meanings = CheckMeaning.objects.filter(error_type=found, by__retired_at=None).select_related("by__eval_set")
    return [(meaning, cause_title(meaning.by, meaning.cause)) for meaning in meanings]


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def new_error_type(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = NewTypeForm(request.POST or None, project=project, types=types_of(project))
    if request.method == "POST" and form.is_valid():
        try:
            done = carry_out(project, Add(form.new()), request.user, form.cleaned_data["why"])
        except TaxonomyError as error:
            form.add_error(None, str(error))
        else:
            assert done is not None  # something new always changes something
            messages.success(request, done.version.change)
            return redirect("taxonomy:error_type", project.slug, *done.made.values())
    return render(request, "taxonomy/type_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def edit_error_type(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    get_object_or_404(ErrorType.objects.in_project(project), pk=pk)
    shown = types_of(project)[pk]
    form = EditForm(request.POST or None, project=project, shown=shown)
    if request.method == "POST" and form.is_valid():
        try:
            done = carry_out(project, Edit(pk, form.fields_said()), request.user, form.cleaned_data["why"])
        except TaxonomyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, done.version.change if done else "Nothing has changed.")
            return redirect("taxonomy:error_type", project.slug, pk)
    context = {"form": form, "shown": shown}
    return render(request, "taxonomy/type_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def order(request: MemberRequest, project: Project) -> HttpResponseBase:
    """All places in one form: one change, one version."""
    form = OrderForm(request.POST or None, types=types_of(project))
    if request.method == "POST" and form.is_valid():
        done = carry_out(project, Order(form.order()), request.user, form.cleaned_data["why"])
        messages.success(request, "The error types stand in the new order." if done else "Nothing has changed.")
        return redirect("taxonomy:error_types", project.slug)
    return render(request, "taxonomy/type_order.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def weights(request: MemberRequest, project: Project) -> HttpResponseBase:
    """How much worse a critical failure is than a minor one."""
    form = WeightsForm(request.POST or None, instance=weights_of(project))
    if request.method == "POST" and form.is_valid():
        found = form.save(commit=False)
        set_weights(project, request.user, found.minor, found.major, found.critical)
        messages.success(request, "Saved. Severity-weighted figures use these from now on.")
        return redirect("taxonomy:weights", project.slug)
    context = {"form": form, "is_default": not SeverityWeights.objects.filter(project=project).exists()}
    return render(request, "taxonomy/taxonomy_weights.html", context, status=422 if form.errors else 200)


@require_GET
@for_role(Role.LEAD)
def type_outputs(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The outputs of a type over all runs; those found as itself alone need a second look after a split."""
    filters = {"error_type": str(pk)} | {name: request.GET.get(name, "") for name in ("own", "source")}
    try:
        found = TypeOutputs(project, filters)
    except NotThere as error:
        raise Http404 from error
    except ExportError as error:
        raise BadRequest(str(error)) from error
    rows = found.rows()
    context = {
        "error_type": found.error_type,
        "below": ErrorType.objects.filter(parent=pk).active(),
        "own": found.own,
        "source": found.source,
        "count": rows.count(),
        "page": page_of(
            request,
            rows.select_related("example", "run__candidate", "verdict").prefetch_related(
                "verdict__findings__error_type"
            ),
        ),
    }
    return render(request, "taxonomy/type_outputs.html", context)
