"""How much worse a critical failure is than a minor one, in a project."""

from __future__ import annotations

from django.db import transaction

from evalhub.projects.models import Project, User
from evalhub.projects.trail import record_event
from taxonomy.models import SeverityWeights


def weights_of(project: Project) -> SeverityWeights:
    """The project's weights, or the defaults, which are no row."""
    return SeverityWeights.objects.filter(project=project).first() or SeverityWeights(project=project)


@transaction.atomic
def set_weights(project: Project, actor: User, minor: float, major: float, critical: float) -> None:
    """Store the weights, 0 or more, and say so in the trail."""
    SeverityWeights.objects.update_or_create(
        project=project, defaults={"minor": minor, "major": major, "critical": critical}
    )
    record_event(project, actor, "set the severity weights", f"critical {critical:g}, major {major:g}, minor {minor:g}")
