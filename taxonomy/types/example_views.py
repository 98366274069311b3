"""Outputs as examples of error types: added from the type's page or from the output's, and removed."""

from __future__ import annotations

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role
from evalhub.runs.models import Output
from taxonomy.models import ErrorType, TypeExample
from taxonomy.types.example_forms import AsExampleForm, ExampleForm
from taxonomy.types.examples import ExampleError, add_example, output_meant, remove_example
from taxonomy.types.views import show_type


@require_POST
@for_role(Role.LEAD)
def add_example_of(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """From the page of the error type."""
    error_type = get_object_or_404(ErrorType.objects.in_project(project).select_related("owner"), pk=pk)
    form = ExampleForm(request.POST)
    if form.is_valid():
        try:
            output = output_meant(project, form.cleaned_data["output"])
            add_example(error_type, output, form.is_included, form.cleaned_data["note"], request.user)
        except ExampleError as error:
            form.add_error("output", str(error))
        else:
            messages.success(request, f"Output {output.pk} is an example now.")
            return redirect("taxonomy:error_type", project.slug, pk)
    return show_type(request, project, error_type, form)


@require_POST
@for_role(Role.LEAD)
def remove_example_of(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    examples = TypeExample.objects.filter(error_type__project=project).select_related("error_type__project")
    example = get_object_or_404(examples, pk=pk)
    remove_example(example, request.user)
    messages.success(request, "The example is removed. The output stays.")
    if request.POST.get("from") == "output":
        return redirect("runs:output", project.slug, example.output_id)
    return redirect("taxonomy:error_type", project.slug, example.error_type_id)


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def output_examples(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """Part of an output's page: of what it is an example, and a form to make it one."""
    output = get_object_or_404(Output.objects.in_project(project), pk=pk)
    form = AsExampleForm(request.POST or None, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            add_example(
                form.cleaned_data["error_type"], output, form.is_included, form.cleaned_data["note"], request.user
            )
        except ExampleError as error:
            form.add_error("error_type", str(error))
        else:
            if not request.htmx:
                return redirect("runs:output", project.slug, pk)
            form = AsExampleForm(project=project)
    examples = TypeExample.objects.filter(output=output).select_related("error_type")
    context = {"output": output, "examples": examples, "form": form}
    return render(request, "taxonomy/_type_examples.html", context, status=422 if form.errors else 200)
