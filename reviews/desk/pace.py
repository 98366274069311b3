"""How one person works: how quickly, how much on which day, what they put off, and what came back to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from evalhub.projects.models import Project, User
from reviews.models import Deferral, ItemEvent, Label, ReviewItem, Seat
from reviews.rounds.figures import LATEST, an_hour
from reviews.rounds.narrowing import returned_events

DAYS = 28


@dataclass(frozen=True)
class Pace:
    """``seconds``: the median time of so many (``timed``) of their latest labels; ``days``: of the last four weeks."""

    labels: int
    last_day: int
    seconds: float | None
    timed: int
    days: Sequence[tuple[date, int]]

    @property
    def an_hour(self) -> int | None:
        return an_hour(self.seconds)

    @property
    def lately(self) -> int:
        return sum(count for _, count in self.days)


def labels_of(project: Project, person: User) -> QuerySet[Label]:
    return Label.objects.filter(reviewer=person, item__round__project=project)


def labels_on(labels: QuerySet[Label], first: date, last: date) -> QuerySet[Label]:
    """Those given from the one day to the other, both included, in the time zone of the pages."""
    begin, end = start_of(first), start_of(last + timedelta(days=1))
    # A label is never changed before it was given: the index by the time of the last change finds these.
    return labels.filter(created_at__gte=begin, created_at__lt=end, changed_at__gte=begin)


def start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def pace_of(project: Project, person: User) -> Pace:
    own = labels_of(project, person)
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    latest = (
        own.filter(seconds__isnull=False, item__round__is_practice=False)
        .order_by("-changed_at")
        .values_list("seconds", flat=True)[:LATEST]
    )
    times = [seconds for seconds in latest if seconds is not None]
    by_day = labels_on(own, first, today).annotate(day=TruncDate("created_at")).order_by().values_list("day")
    counts = dict(by_day.annotate(Count("pk")))
    since = timezone.now() - timedelta(hours=24)
    return Pace(
        labels=Seat.objects.filter(reviewer=person, round__project=project).aggregate(sum=Sum("labels"))["sum"] or 0,
        last_day=own.filter(created_at__gte=since, changed_at__gte=since).count(),
        seconds=median(times) if times else None,
        timed=len(times),
        days=[(day := first + timedelta(days=n), counts.get(day, 0)) for n in range(DAYS)],
    )


def deferrals_of(project: Project, person: User) -> QuerySet[Deferral]:
    """What they put off and can still label, with ``round_name`` and ``example_key``."""
    mine = Deferral.objects.filter(can_still_label(person), reviewer=person, item__round__project=project)
    return mine.annotate(round_name=F("item__round__name"), example_key=F("item__output__example__key"))


def returned_to(project: Project, person: User) -> QuerySet[ItemEvent]:
    """The latest return of each label that they have not given again and still can; with the same names."""
    events = returned_events().filter(can_still_label(person), reviewer=person, item__round__project=project)
    latest = events.order_by("item", "-pk").distinct("item").values("pk")
    found = ItemEvent.objects.filter(pk__in=latest).select_related("actor")
    return found.annotate(round_name=F("item__round__name"), example_key=F("item__output__example__key"))


def can_still_label(person: User) -> Q:
    """Of rows about items: the item wants labels, and is not given to others alone."""
    theirs = Q(item__assigned_to=[]) | Q(item__assigned_to__contains=[person.pk])
    return Q(item__round__closed_at=None, item__status__in=ReviewItem.WANTING) & theirs
