"""The state machine of claims and labels, driven by chance: whatever people do, and in whatever order.

The machine keeps in plain dictionaries what must be so, and compares it with what the database says after each step.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from evalhub.projects.models import Role
from reviews import queue
from reviews.counting import count_items
from reviews.desk.deferring import defer_item
from reviews.labelling import (
    NotYours,
    decide,
    derived_status,
    locked,
    record_label,
    return_label,
    said_of,
    settle_item,
    take_decision_back,
    undo_label,
)
from reviews.models import Claim, Decision, Draft, ItemEvent, Label, ReviewItem, Round, Seat
from reviews.queue import claim_item, claim_next_item, leave_item
from reviews.verdicts import verdict_by_labels
from taxonomy.models import ErrorType, Verdict
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member

OUTPUTS, PEOPLE = 3, 4
people = st.integers(0, PEOPLE - 1)
items = st.integers(0, 2 * OUTPUTS - 1)
sayings = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["pass", "fail"]),
        "types": st.sets(st.integers(0, 2), max_size=2),
        "note": st.sampled_from(["", "wrong amount", "rude"]),
        "severity": st.sampled_from(["", "minor", "critical"]),
        "fault": st.sampled_from(["", "model", "expected"]),
        "failing_step": st.sampled_from([None, 1, 4]),
    }
)


class Reviewing(RuleBasedStateMachine):
    """Two rounds over the same outputs, four people and a lead; the world is made by ``set_up``."""

    def __init__(self):
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.set_up()

    def set_up(self):
        first, second = self.rounds
        ReviewItem.objects.filter(round=first).update(labels_wanted=2)
        ReviewItem.objects.filter(round=second).filter(order=0).update(is_known=True)
        self.items = list(ReviewItem.objects.filter(round__in=self.rounds).order_by("round_id", "order"))
        self.wanted = {item.pk: item.labels_wanted for item in self.items}
        self.labels, self.held, self.put_off = {}, {}, set()
        self.assigned = {item.pk: set() for item in self.items}
        self.decided, self.closed, self.imported, self.closed_rounds = set(), set(), set(), set()
        self.said_ever = {item.pk: [] for item in self.items}

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # What must be so.

    def labelled_by(self, item):
        return {person for key, person in self.labels if key == item.pk}

    def holders(self, item, besides=None):
        return {person for (key, person), holds in self.held.items() if key == item.pk and holds and person != besides}

    def is_wanting(self, item):
        gone = item.pk in self.decided or item.pk in self.closed
        return not gone and len(self.labelled_by(item)) < self.wanted[item.pk]

    def has_place(self, item, person):
        taken = len(self.labelled_by(item)) + len(self.holders(item, besides=person))
        return taken < self.wanted[item.pk]

    def may_take(self, item, person):
        is_meant = not self.assigned[item.pk] or person in self.assigned[item.pk]
        is_new = (item.pk, person) not in self.labels
        return self.is_wanting(item) and is_meant and is_new and self.has_place(item, person)

    def open_in(self, shown, person, besides=0):
        return {
            item.pk for item in self.items if item.round_id == shown.pk and item.pk != besides
            if self.may_take(item, person)
        }  # fmt: skip

    # What people do.

    @rule(number=people, which=st.integers(0, 1), follows=st.booleans())
    def claim_next(self, number, which, follows):
        shown, person = self.rounds[which], self.people[number]
        holds = sorted(key for (key, who), active in self.held.items() if who == person and active)
        besides = holds[0] if follows and holds else 0
        possible = self.open_in(shown, person, besides)

        given = claim_next_item(shown, person, besides)

        held = {key for key in possible if self.held.get((key, person))}
        fresh = {key for key in possible if (key, person) not in self.put_off}
        assert (given is None) == (not possible)
        if given is not None:
            assert given in (held or fresh or possible)
            self.held[given, person] = True

    @rule(number=people, place=items)
    def claim_this(self, number, place):
        item, person = self.items[place], self.people[number]
        may = self.may_take(item, person)

        assert claim_item(item.pk, person) is may

        if may:
            self.held[item.pk, person] = True

    @rule(number=people, place=items)
    def leave(self, number, place):
        leave_item(self.items[place].pk, self.people[number])
        self.held.pop((self.items[place].pk, self.people[number]), None)

    @rule(place=items)
    def time_passes(self, place):
        Claim.objects.filter(item=self.items[place]).update(until=timezone.now() - timedelta(hours=1))
        for key, person in self.held:
            if key == self.items[place].pk:
                self.held[key, person] = False

    @rule(number=people, place=items)
    def defer(self, number, place):
        item, person = self.items[place], self.people[number]
        if (item.pk, person) in self.labels:
            assert not defer_item(item, person, "later")
        else:
            assert defer_item(item, person, "later")
            self.put_off.add((item.pk, person))
            self.held.pop((item.pk, person), None)

    @rule(number=people, place=items, said=sayings)
    def label(self, number, place, said):
        self.say(self.items[place], self.people[number], said, imported=False)

    @rule(number=people, place=items, said=sayings)
    def import_label(self, number, place, said):
        self.say(self.items[place], self.people[number], said, imported=True)

    def say(self, item, person, said, imported):
        is_meant = not self.assigned[item.pk] or person in self.assigned[item.pk]
        has_place = self.has_place(item, person) or self.held.get((item.pk, person), False)
        may = imported or (item.pk, person) in self.labels or (self.is_wanting(item) and is_meant and has_place)
        types = [self.types[number] for number in said["types"]]
        more = {name: said[name] for name in ("severity", "fault", "failing_step")}
        try:
            record_label(item, person, assessed(said["outcome"], types, said["note"], **more), imported=imported)
        except NotYours:
            assert not may or item.round_id in self.closed_rounds
            return
        assert may
        assert item.round_id not in self.closed_rounds
        if imported and (item.pk, person) not in self.labels:
            self.imported.add(item.pk)
        self.labels[item.pk, person] = said | {"types": {each.pk for each in types}}
        self.said_ever[item.pk].append((person.pk, self.as_kept(self.labels[item.pk, person])))
        self.held.pop((item.pk, person), None)
        self.put_off.discard((item.pk, person))

    @rule(number=people, place=items)
    def undo(self, number, place):
        item, person = self.items[place], self.people[number]
        self.take_away(item, person, lambda: undo_label(item, person))

    @rule(number=people, place=items)
    def give_back(self, number, place):
        item, person = self.items[place], self.people[number]
        self.take_away(item, person, lambda: return_label(item, person, self.lead, "look again"))

    def take_away(self, item, person, action):
        try:
            is_done = action()
        except NotYours:
            assert item.round_id in self.closed_rounds
            return
        assert is_done is ((item.pk, person) in self.labels)
        if is_done:
            said = self.labels.pop((item.pk, person))
            assert Draft.objects.get(item=item, reviewer=person).said == self.as_kept(said)

    @rule(place=items, said=sayings)
    def decide(self, place, said):
        item = self.items[place]
        try:
            decide(
                item,
                self.lead,
                assessed(said["outcome"], [self.types[number] for number in said["types"]], said["note"]),
            )
        except NotYours:
            assert item.round_id in self.closed_rounds
        else:
            self.decided.add(item.pk)

    @rule(place=items)
    def take_decision_back(self, place):
        item = self.items[place]
        try:
            assert take_decision_back(item, self.lead) is (item.pk in self.decided)
        except NotYours:
            assert item.round_id in self.closed_rounds
        else:
            self.decided.discard(item.pk)

    @rule(place=items)
    def close_or_open_item(self, place):
        item = locked(self.items[place].pk)
        item.closed_at = None if item.closed_at else timezone.now()
        item.save(update_fields=["closed_at"])
        settle_item(item)
        count_items(item.round_id)
        self.closed ^= {item.pk}

    @rule(which=st.integers(0, 1))
    def close_or_open_round(self, which):
        shown = self.rounds[which]
        is_closed = shown.pk in self.closed_rounds
        Round.objects.filter(pk=shown.pk).update(closed_at=None if is_closed else timezone.now())
        self.closed_rounds ^= {shown.pk}

    @rule(place=items, numbers=st.sets(people, max_size=2))
    def assign(self, place, numbers):
        item = self.items[place]
        self.assigned[item.pk] = {self.people[number] for number in numbers}
        keys = sorted(person.pk for person in self.assigned[item.pk])
        ReviewItem.objects.filter(pk=item.pk).update(assigned_to=keys)
        count_items(item.round_id)

    @precondition(lambda self: max(self.wanted.values()) < 4)
    @rule(place=items)
    def want_one_more(self, place):
        item = locked(self.items[place].pk)
        item.labels_wanted += 1
        item.save(update_fields=["labels_wanted"])
        settle_item(item)
        count_items(item.round_id)
        self.wanted[item.pk] += 1

    # What must hold after each of these.

    def as_kept(self, said):
        return {
            "outcome": said["outcome"],
            "error_types": sorted(said["types"]),
            "severity": said["severity"],
            "fault": said["fault"],
            "failing_step": said["failing_step"],
            "note": said["note"],
        }

    @invariant()
    def no_label_is_lost(self):
        labels = Label.objects.filter(item__in=self.items).prefetch_related("error_types")
        stored = {(label.item_id, label.reviewer_id): label.as_said() for label in labels}
        assert stored == {(key, person.pk): self.as_kept(said) for (key, person), said in self.labels.items()}

    @invariant()
    def status_and_counts_follow_from_the_rows(self):
        for item in ReviewItem.objects.filter(round__in=self.rounds).select_related("round"):
            said, is_decided = said_of(item.pk)
            assert item.label_count == len(said) == len(self.labelled_by(item))
            assert item.status == derived_status(item, said, is_decided)
        for shown in self.rounds:
            rows = {seat.reviewer_id: seat.labels for seat in Seat.objects.filter(round=shown)}
            for person in self.people:
                given = sum(1 for key, who in self.labels if who == person and self.round_of[key] == shown.pk)
                assert rows.get(person.pk, 0) == given

    @invariant()
    def no_item_is_given_beyond_its_number(self):
        for item in self.items:
            taken = len(self.labelled_by(item)) + len(self.holders(item))
            assert taken <= self.wanted[item.pk] or item.pk in self.imported

    @invariant()
    def claims_are_those_of_people_who_may_still_label(self):
        active = Claim.objects.filter(item__in=self.items, until__gt=timezone.now()).values_list("item", "reviewer")
        assert set(active) == {(key, person.pk) for (key, person), holds in self.held.items() if holds}
        assert not self.held.keys() & self.labels.keys()

    @invariant()
    def verdicts_are_those_of_the_labels(self):
        for output in self.outputs:
            verdict = Verdict.objects.filter(output=output).first()
            found = verdict and (
                verdict.outcome,
                frozenset(verdict.findings.values_list("error_type", flat=True)),
            )
            assert found == verdict_by_labels(output.pk)

    @invariant()
    def the_history_holds_every_label(self):
        events = ItemEvent.objects.filter(item__in=self.items).order_by("pk")
        said_ever = {item.pk: [] for item in self.items}
        now = {}
        for event in events:
            if event.action in {"labelled", "changed"}:
                said_ever[event.item_id].append((event.reviewer_id, event.said))
                now[event.item_id, event.reviewer_id] = event.said
            elif event.action in {"taken_back", "returned"}:
                assert now.pop((event.item_id, event.reviewer_id)) == event.said
        assert said_ever == self.said_ever
        assert now == {(key, person.pk): self.as_kept(said) for (key, person), said in self.labels.items()}

    @invariant()
    def decisions_stand(self):
        assert set(Decision.objects.filter(item__in=self.items).values_list("item", flat=True)) == self.decided

    @property
    def round_of(self):
        return {item.pk: item.round_id for item in self.items}


# In a round of more items than these a person finds what became free behind them by its mark.
@pytest.mark.parametrize("few", [queue.FEW, 0])
@pytest.mark.django_db
def test_whatever_people_do_no_label_is_lost_and_no_item_given_too_often(few, project, lead, monkeypatch):
    monkeypatch.setattr(queue, "FEW", few)
    run = make_run(make_version(project, OUTPUTS))

    class InThisProject(Reviewing):
        rounds = [make_round(run, name="first"), make_round(run, name="second")]
        people = [make_member(project, f"Person{n}", Role.REVIEWER) for n in range(PEOPLE)]
        types = list(ErrorType.objects.filter(project=project)[:3])
        outputs = list(run.outputs.all())

    InThisProject.lead = lead
    run_state_machine_as_test(InThisProject, settings=settings(max_examples=15, stateful_step_count=30))
