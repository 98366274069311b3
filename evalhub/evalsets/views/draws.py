"""Drawing an eval set from production samples: say how, see what it gives, draw."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.evalsets.drawing import Outline, begin_draw, outline
from evalhub.evalsets.forms import DrawForm
from evalhub.evalsets.models import EvalSet
from evalhub.evalsets.patience import TooSlow
from evalhub.evalsets.pool import facts_of_pool
from evalhub.evalsets.tasks import draw_version_task
from evalhub.evalsets.versions import VersionError
from evalhub.evalsets.views.samples import refuse_unknown
from evalhub.projects.access import MemberRequest, for_role
from evalhub.projects.models import Project, Role

STRATA_SHOWN = 100


@require_http_methods(["GET", "POST"])
@for_role(Role.LEAD)
def draw(request: MemberRequest, project: Project, pk: int) -> HttpResponseBase:
    """The form, which a link may fill in; sent with ``preview`` it shows what it would draw, else it draws."""
    refuse_unknown(request, set(DrawForm.base_fields))
    eval_set = get_object_or_404(EvalSet.objects.in_project(project).select_related("project"), pk=pk)
    facts = facts_of_pool(project)
    form = DrawForm(facts, request.POST or None, initial=request.GET.dict())
    preview: Outline | None = None
    if form.is_valid():
        try:
            if "preview" not in request.POST:
                version = begin_draw(eval_set, form.plan(), request.user)
                draw_version_task.delay_on_commit(version.pk)
                return redirect("evalsets:version", project.slug, version.pk)
            preview = outline(eval_set, form.plan())
        except (VersionError, TooSlow) as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "eval_set": eval_set,
        "facts": facts,
        "preview": preview,
        "strata": preview.strata[:STRATA_SHOWN] if preview else [],
        "strata_hidden": max(0, len(preview.strata) - STRATA_SHOWN) if preview else 0,
    }
    return render(request, "evalsets/draw.html", context, status=422 if form.errors else 200)
