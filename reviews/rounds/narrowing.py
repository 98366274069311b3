"""Which items of a round are meant: what its page lists, what is changed in one go, and what is exported."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from evalhub.errors import EvalHubError
from evalhub.runs.models import Output, Run
from reviews.models import Decision, Deferral, ItemEvent, Label, Reason, ReviewItem, Round
from taxonomy.models import Verdict
from taxonomy.versions import tree_of

OUTCOMES = {
    "fail": "a label says fail",
    "pass": "a label says pass",
    "settled_fail": "settled as fail",
    "settled_pass": "settled as pass",
}
YES_NO = {"yes": "yes", "no": "no"}
# Names and values of the page's address. “anyone” and “nobody” stand where else the key of a person does.
FILTERS = (
    *("status", "reason", "candidate", "person", "outcome", "error_type"),
    *("deferred", "returned", "assigned", "known", "tag", "text"),
)
MOST_DIGITS = 18
LONGEST = 500
MORE_THAN_THERE_ARE = 10**12


class NarrowingError(EvalHubError):
    """The address asks for items that cannot be."""


def filters_in(parameters: Mapping[str, str]) -> dict[str, str]:
    """The filters among the parameters of an address; the others, such as the place in the list, are left out.

    Raises NarrowingError at a value that none of the page's controls has.
    """
    given = {name: value for name in FILTERS if (value := parameters.get(name, "").strip())}
    refuse_unless(len(given.get("tag", "")) <= LONGEST and len(given.get("text", "")) <= LONGEST, "that text")
    refuse_unless(not any("\0" in value for value in given.values()), "that text")
    for name, allowed in (
        ("status", ReviewItem.Status.values),
        ("reason", Reason.values),
        ("outcome", OUTCOMES),
        ("known", YES_NO),
    ):
        refuse_unless(name not in given or given[name] in allowed, name)
    for name, word in (("candidate", ""), ("person", ""), ("error_type", ""), ("returned", "anyone")):
        refuse_unless(name not in given or given[name] == word or is_key(given[name]), name)
    for name in ("deferred", "assigned"):
        refuse_unless(name not in given or given[name] in {"anyone", "nobody"} or is_key(given[name]), name)
    return given


def refuse_unless(holds: bool, name: str) -> None:
    if not holds:
        raise NarrowingError(f"The address asks for items by “{name}” with a value that cannot be. Choose again.")


def is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def narrowed(shown: Round, given: Mapping[str, str]) -> QuerySet[ReviewItem]:
    """The round's items that fit all of the filters, as ``filters_in`` gives them."""
    items = ReviewItem.objects.filter(round=shown)
    if status := given.get("status"):
        items = items.filter(status=status)
    if reason := given.get("reason"):
        items = items.filter(reasons__contains=[reason])
    if known := given.get("known"):
        items = items.filter(is_known=known == "yes")
    if tag := given.get("tag"):
        items = items.filter(output__example__tags__contains=[tag])
    if candidate := given.get("candidate"):
        items = items.filter(of_candidate(shown, int(candidate)))
    return items.filter(*by_labels(shown, given), *by_people(shown, given))


def of_candidate(shown: Round, candidate: int) -> Q:
    runs = list(shown.runs.filter(candidate=candidate).values_list("pk", flat=True))
    runs = runs or list(Run.objects.filter(candidate=candidate, project=shown.project_id).values_list("pk", flat=True))
    ends = Output.objects.filter(run__in=runs).aggregate(first=Min("pk"), last=Max("pk"))
    # The range says nothing new; it lets the database begin and end where such outputs are.
    return Q(output__run__in=runs, output_id__gte=ends["first"] or 0, output_id__lte=ends["last"] or 0)


def by_labels(shown: Round, given: Mapping[str, str]) -> list[Q | Exists]:
    """What one label of an item has to fit together, and how the item was settled."""
    outcome = given.get("outcome", "")
    error_type = given.get("error_type")
    wanted = {
        "reviewer": given.get("person"),
        "outcome": outcome if outcome in Verdict.Outcome.values else None,
        "error_types__in": counting_as(shown, int(error_type)) if error_type else None,
        "note__icontains": given.get("text"),
    }
    asked = {name: value for name, value in wanted.items() if value}
    conditions: list[Q | Exists] = [Exists(Label.objects.filter(item=OuterRef("pk"), **asked))] if asked else []
    if outcome.startswith("settled_"):
        conditions += [Q(status=ReviewItem.Status.SETTLED, is_known=False)]
        fails = Q(settled_as_fail())
        conditions += [fails if outcome == "settled_fail" else ~fails]
    return conditions


def counting_as(shown: Round, error_type: int) -> set[int]:
    """The error type and those that were merged into it."""
    tree = tree_of(shown.project)
    return {error_type, *(key for key in tree.types if tree.resolve(key) == error_type)}


def settled_as_fail() -> Q:
    """Of a settled item: the labels of one that nobody decided all say the same."""
    decided = Decision.objects.filter(item=OuterRef("pk"))
    failed = Label.objects.filter(item=OuterRef("pk"), outcome=Verdict.Outcome.FAIL)
    return Q(Exists(decided.filter(outcome=Verdict.Outcome.FAIL))) | Q(~Exists(decided)) & Q(Exists(failed))


def by_people(shown: Round, given: Mapping[str, str]) -> list[Q | Exists]:
    conditions: list[Q | Exists] = []
    if deferred := given.get("deferred"):
        put_off = Deferral.objects.filter(item=OuterRef("pk"))
        found = Q(Exists(put_off.filter(reviewer=int(deferred)) if is_key(deferred) else put_off))
        conditions.append(~found if deferred == "nobody" else found)
    if returned := given.get("returned"):
        events = returned_events().filter(item__round=shown)
        # Few, and found first, which the limit sees to: asked of each item, the database would go through them all.
        found_events = events.filter(reviewer=int(returned)) if is_key(returned) else events
        keys = found_events.values("item")[:MORE_THAN_THERE_ARE]
        conditions.append(Q(pk__in=keys))
    if assigned := given.get("assigned"):
        nobody = Q(assigned_to=[])
        conditions.append(
            Q(assigned_to__contains=[int(assigned)])
            if is_key(assigned)
            else nobody
            if assigned == "nobody"
            else ~nobody
        )
    return conditions


def returned_events() -> QuerySet[ItemEvent]:
    """The events by which labels were returned that nobody gave again since."""
    again = Label.objects.filter(item=OuterRef("item"), reviewer=OuterRef("reviewer"))
    return ItemEvent.objects.filter(~Exists(again), action=ItemEvent.Action.RETURNED)
