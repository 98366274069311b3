"""Labels made elsewhere: what a row needs, what comes of it, and that nothing is lost or doubled on the way."""

from __future__ import annotations

import pytest

from evalhub.evalsets import storing
from evalhub.evalsets.storing import cancel, clear_away, confirm, store_rows
from evalhub.projects.models import Role, User
from reviews.labelling import decide, record_label
from reviews.models import ItemEvent, Label, ReviewItem, Round, Seat
from reviews.queue import claim_next_item
from reviews.settling import settle_items
from reviews.verdicts import verdict_by_labels
from taxonomy.models import ErrorType, Finding, TaxonomyVersion, Verdict
from taxonomy.versions import record_change
from tests.exports.asking import rows as rows_of_export
from tests.making import admin_of, assessed, make_round, make_run, make_version
from tests.people import make_member
from tests.reviews.uploads import imported, labels_of, new, reasons, told


@pytest.fixture
def run(project, lead, reviewer):
    return make_run(make_version(project, 4))


def test_rows_become_labels_items_history_seats_and_verdicts(project, run, lead, reviewer):
    first, second = ErrorType.objects.filter(project=project)[:2]
    rows = [
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "fail", "error_types": [first.name, second.code],
         "note": "no order\tid", "severity": "Critical", "fault": "model", "failing_step": 2},
        {"example_id": "example-1", "reviewer": "ROB@example.org", "outcome": "failed", "error_types": first.code},
        {"example_id": "example-2", "reviewer": "Lea", "outcome": "pass"},
        {"example_id": "example-2", "reviewer": "Rob", "outcome": True},
        {"example_id": "example-3", "reviewer": "Rob", "outcome": "pass", "note": None},
    ]  # fmt: skip

    shown = imported(project, rows, new(run))

    assert labels_of(shown) == [
        ("example-1", "Lea", "fail", sorted([first.code, second.code])),
        ("example-1", "Rob", "fail", [first.code]),
        ("example-2", "Lea", "pass", []),
        ("example-2", "Rob", "pass", []),
        ("example-3", "Rob", "pass", []),
    ]
    label = Label.objects.get(reviewer=lead, outcome="fail")
    assert (label.note, label.severity, label.fault, label.failing_step, label.is_imported, label.seconds) == (
        "no order\tid", "critical", "model", 2, True, None,
    )  # fmt: skip
    items = ReviewItem.objects.filter(round=shown).order_by("output")
    assert list(items.values_list("status", "label_count", "labels_wanted", "inclusion_probability", "reasons")) == [
        ("contested", 2, 2, 0.75, ["added"]),
        ("settled", 2, 2, 0.75, ["added"]),
        ("settled", 1, 1, 0.75, ["added"]),
    ]
    assert dict(Seat.objects.filter(round=shown).values_list("reviewer__name", "labels")) == {"Lea": 2, "Rob": 3}
    assert list(Verdict.objects.order_by("output").values_list("output", "outcome", "inclusion_probability")) == [
        (items[1].output_id, "pass", 0.75),
        (items[2].output_id, "pass", 0.75),
    ]
    event = ItemEvent.objects.get(item=items[0], reviewer=lead)
    assert (event.action, event.actor, event.said) == ("labelled", admin_of(project), label.as_said())
    assert (shown.name, shown.item_count, shown.labels_planned, shown.labels_wanted) == ("Elsewhere", 3, 5, 2)
    assert shown.filled_at
    assert claim_next_item(shown, lead) is None


def test_what_is_imported_is_what_labelling_one_by_one_gives(project, run, lead, reviewer):
    types = {each.code: each for each in ErrorType.objects.filter(project=project)[:3]}
    a, b, c = types
    said = [
        ("fail", [a, b], "fail", [a]),
        ("fail", [a], "fail", [a]),
        ("pass", [], "fail", [c]),
        ("pass", [], "pass", []),
    ]
    rows, by_hand = [], make_round(make_run(run.version, "by hand"), labels_wanted=2)
    for item, (n, (one, ones, other, others)) in zip(by_hand.items.order_by("order"), enumerate(said, 1), strict=True):
        for person, outcome, codes in ((lead, one, ones), (reviewer, other, others)):
            record_label(item, person, assessed(outcome, [types[code] for code in codes]))
            rows.append(
                {"example_id": f"example-{n}", "reviewer": person.email, "outcome": outcome, "error_types": codes}
            )

    shown = imported(project, rows, new(run))

    def figures(shown):
        items = shown.items.order_by("output__example__position")
        verdicts = [
            (v.outcome, set(Finding.objects.filter(verdict=v).values_list("error_type", flat=True)))
            for v in Verdict.objects.filter(output__review_items__round=shown).order_by("output__example__position")
        ]
        said = [label.as_said() for item in items for label in item.labels.order_by("reviewer")]
        return list(items.values_list("status", "label_count")), verdicts, said

    assert figures(shown) == figures(by_hand)
    for output in run.outputs.all():
        verdict = Verdict.objects.filter(output=output).first()
        assert verdict_by_labels(output.pk) == (
            (verdict.outcome, frozenset(verdict.findings.values_list("error_type", flat=True))) if verdict else None
        )


def test_an_item_settled_by_a_decision_keeps_it(project, run, lead, reviewer):
    shown = make_round(run, labels_wanted=2)
    item = shown.items.order_by("order")[0]
    decide(item, lead, assessed("fail", list(ErrorType.objects.filter(project=project)[:1]), "seen twice"))

    settle_items([item.pk])

    verdict = Verdict.objects.get(output=item.output)
    assert (verdict.outcome, verdict.decided_by, verdict.why, verdict.findings.count()) == (
        "fail", lead, "seen twice", 1,
    )  # fmt: skip


def test_without_outcomes_a_row_with_error_types_is_a_failure(project, run):
    code = ErrorType.objects.filter(project=project).first().code
    rows = [
        {"id": "example-1", "annotator": "Lea", "error_types": code},
        {"id": "example-2", "annotator": "Lea", "error_types": ""},
    ]

    shown = imported(project, rows, new(run), outcome="")

    assert labels_of(shown) == [("example-1", "Lea", "fail", [code]), ("example-2", "Lea", "pass", [])]


def test_each_row_that_cannot_be_is_named_with_its_line_and_the_cure(project, run):
    rows = [
        {"example_id": "example-9", "reviewer": "Lea", "outcome": "pass"},
        {"example_id": "example-1", "reviewer": "Zoe", "outcome": "pass"},
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "fail", "error_types": ["Rudeness"]},
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "maybe"},
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "pass", "error_types": ["x"]},
        {"example_id": "example-2", "reviewer": "Lea", "outcome": "pass"},
        {"example_id": "example-2", "reviewer": "lea@example.org", "outcome": "fail"},
        {"example_id": "example-2", "reviewer": "LEA", "outcome": "fail"},
        {"example_id": "example-3", "reviewer": "", "outcome": "fail"},
    ]  # fmt: skip

    upload = told(project, rows, new(run))

    assert (upload.rows_good, upload.rows_bad) == (1, 8)
    assert reasons(upload) == [
        (1, f"“example_id” is “example-9”, for which run {run.pk} has no output. Correct it."),
        (
            2,
            "“reviewer” is “Zoe”, who is no member of this project. Correct it, invite them, or change the mapping "
            "and tick “Make people for reviewers who are no members”.",
        ),
        (
            3,
            "“error_types” names “Rudeness”, which is no error type of this project. Correct it, add the error type, "
            "or change the mapping and tick “Make the error types that are missing”.",
        ),
        (4, "“outcome” is “maybe”. Write pass or fail."),
        (5, "“error_types” names “x”, but the outcome is pass. Empty it, or write fail."),
        (7, "“reviewer” is “lea@example.org”, who labels this output in line 6 already. Remove one of them."),
        (8, "“reviewer” is “LEA”, who labels this output in line 6 already. Remove one of them."),
        (9, "“reviewer” is empty. Write the e-mail address or the name of who gave the label."),
    ]
    assert upload.report["error_counts"]["No member: “Zoe”"] == 1
    assert upload.report["error_counts"]["Duplicate label"] == 2
    assert sum(upload.report["error_counts"].values()) == 8
    assert {tuple(error) for error in upload.errors} == {("line", "column", "reason")}


def test_rows_with_errors_that_are_left_out_leave_nothing(project, run):
    rows = [
        {"example_id": "example-9", "reviewer": "Lea", "outcome": "pass"},
        {"example_id": "example-1", "reviewer": "Zoe", "outcome": "pass"},
        {"example_id": "example-2", "reviewer": "Rob", "outcome": "pass"},
    ]

    shown = imported(project, rows, new(run))

    assert labels_of(shown) == [("example-2", "Rob", "pass", [])]
    assert shown.item_count == 1


def test_people_and_error_types_are_made_where_the_lead_says_so(project, run):
    rows = [
        {"example_id": "example-1", "reviewer": "annotator_1", "outcome": "fail", "error_types": ["Full refusal"]},
        {"example_id": "example-2", "reviewer": "annotator_1", "outcome": "fail", "error_types": ["full_refusal"]},
        {"example_id": "example-1", "reviewer": "Annotator_1 ", "outcome": "fail", "error_types": ["Full refusal"]},
    ]

    shown = imported(project, rows, new(run), makes_people=True, makes_types=True)
    again = imported(project, rows[:1], new(run, name="Again"), makes_people=True, makes_types=True)

    person = User.objects.get(name="annotator_1")
    assert labels_of(shown) == [
        ("example-1", "annotator_1", "fail", ["full_refusal"]),
        ("example-2", "annotator_1", "fail", ["full_refusal"]),
    ]
    assert (person.is_active, person.has_usable_password(), person.memberships.count()) == (False, False, 0)
    assert labels_of(again) == [("example-1", "annotator_1", "fail", ["full_refusal"])]
    made = ErrorType.objects.get(project=project, code="full_refusal")
    assert made.name == "Full refusal"


def test_a_person_with_an_account_elsewhere_is_not_spoken_for(project, run, stranger):
    rows = [{"example_id": "example-1", "reviewer": stranger.email, "outcome": "pass"}]

    imported(project, rows, new(run), makes_people=True)

    assert not stranger.labels.exists()
    assert Label.objects.get().reviewer.name == stranger.email


def test_names_of_two_members_are_told_apart_by_address(project, run):
    make_member(project, "Tom", Role.REVIEWER)
    User.objects.filter(name="Rob").update(name="Tom")
    rows = [
        {"example_id": "example-1", "reviewer": "Tom", "outcome": "pass"},
        {"example_id": "example-1", "reviewer": "rob@example.org", "outcome": "pass"},
    ]

    upload = told(project, rows, new(run))

    assert reasons(upload) == [(1, "“reviewer” is “Tom”, the name of several members. Write the e-mail address.")]


def test_of_several_runs_the_candidate_or_the_run_says_which(project, run):
    other, third = make_run(run.version, "other"), make_run(run.version, "other")
    rows = [
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "pass", "candidate": "Small-Model"},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "pass", "candidate": "other"},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "pass", "candidate": "other", "run": third.pk},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "pass"},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "pass", "candidate": "nobody"},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "pass", "run": 99_999},
    ]

    upload = told(project, rows, new(run, other, third))

    assert reasons(upload) == [
        (2, "“candidate” is “other”, of which several runs are chosen. Map the column that holds the run's number."),
        (4, "“example_id” does not say whose output it is. Map the column that holds the candidate or the run."),
        (
            5,
            "“candidate” is “nobody”, and no chosen run is of that candidate. Correct it, or choose its run.",
        ),
        (6, "“run” is 99999, which is none of the chosen runs. Correct it, or choose that run too."),
    ]


def test_outputs_are_known_by_their_own_id_too_and_only_those_of_the_runs(project, run):
    elsewhere = make_run(run.version, "other")
    mine, others = run.outputs.first(), elsewhere.outputs.first()
    rows = [
        {"output_id": mine.pk, "reviewer": "Lea", "outcome": "pass"},
        {"output_id": others.pk, "reviewer": "Lea", "outcome": "pass"},
    ]

    upload = told(project, rows, new(run))

    assert reasons(upload) == [(2, f"“output_id” is {others.pk}, and the chosen runs have no such output. Correct it.")]


def test_a_round_that_is_there_takes_labels_of_its_own_items(project, run, lead, reviewer):
    shown = make_round(run, labels_wanted=2)
    last = shown.items.order_by("order").last()
    outside = last.output.example.key
    last.delete()
    first, second = shown.items.order_by("order")[:2]
    record_label(first, lead, assessed("pass"))
    claim_next_item(shown, reviewer)
    rows = [
        {"example_id": "example-1", "reviewer": "Lea", "outcome": "fail"},
        {"example_id": "example-1", "reviewer": "Rob", "outcome": "fail"},
        {"example_id": "example-2", "reviewer": "Rob", "outcome": "pass"},
        {"example_id": outside, "reviewer": "Rob", "outcome": "pass"},
    ]

    upload = told(project, rows, {"round": shown.pk})
    assert reasons(upload) == [
        (
            1,
            "“reviewer” is “Lea”, who labelled this item in the round. Remove the row.",
        ),
        (4, "“example_id” names an output that is no item of the round. Add it there, or import into a new round."),
    ]
    confirm(upload, leave_out_bad=True, options={})
    store_rows(upload.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.label_count, second.status, second.label_count) == ("contested", 2, "in_review", 1)
    assert not first.claims.exists()
    assert dict(Seat.objects.filter(round=shown).values_list("reviewer", "labels")) == {lead.pk: 1, reviewer.pk: 2}
    assert Label.objects.get(item=first, reviewer=lead).outcome == "pass"


def test_a_closed_round_takes_none(project, run):
    shown = make_round(run)
    Round.objects.update(closed_at=shown.created_at)

    upload = told(project, [{"example_id": "example-1", "reviewer": "Lea", "outcome": "pass"}], {"round": shown.pk})

    assert upload.state == "refused"
    assert upload.refusal == "The round is closed. Open it again, or choose another, and upload the file again."


def rows_of_two(count=4):
    return [
        {"example_id": f"example-{n}", "reviewer": who, "outcome": "pass" if n % 2 else "fail"}
        for n in range(1, count + 1)
        for who in ("Lea", "Rob")
    ]


def test_an_import_that_breaks_off_and_is_repeated_neither_loses_nor_doubles(project, run, monkeypatch):
    monkeypatch.setattr(storing, "BATCH_LINES", 3)
    upload = told(project, rows_of_two(), new(run))
    confirm(upload, leave_out_bad=False, options={})
    assert storing._store_batch(upload.pk)  # and the worker is lost
    assert Label.objects.count() == 3

    store_rows(upload.pk)
    store_rows(upload.pk)

    assert Round.objects.count() == 1
    assert Label.objects.count() == ItemEvent.objects.count() == 8
    assert sorted(Seat.objects.values_list("labels", flat=True)) == [4, 4]
    assert Verdict.objects.count() == 4


@pytest.mark.parametrize("is_new", [True, False])
def test_a_cancelled_import_leaves_nothing(project, run, lead, monkeypatch, is_new):
    monkeypatch.setattr(storing, "BATCH_LINES", 3)
    shown = None if is_new else make_round(run, labels_wanted=2)
    rows = [{**row, "reviewer": f"{row['reviewer']} elsewhere", "error_types": []} for row in rows_of_two()]
    rows[1] |= {"outcome": "fail", "error_types": ["Sulking"]}
    target = new(run) if is_new else {"round": shown.pk}
    upload = told(project, rows, target, makes_people=True, makes_types=True)
    confirm(upload, leave_out_bad=False, options={})
    assert storing._store_batch(upload.pk)
    assert User.objects.filter(is_active=False).count() == 2

    assert cancel(upload, lead)
    clear_away(upload.pk)

    assert not Label.objects.exists()
    assert not ItemEvent.objects.exists()
    assert not Verdict.objects.exists()
    assert not User.objects.filter(is_active=False).exists()
    assert not ErrorType.objects.filter(name="Sulking").exists()
    assert Round.objects.count() == (0 if is_new else 1)
    assert sum(Seat.objects.values_list("labels", flat=True)) == 0
    assert set(ReviewItem.objects.values_list("status", "label_count")) <= {("waiting", 0)}


def test_an_import_into_a_round_that_was_closed_meanwhile_stops_with_the_reason(project, run):
    shown = make_round(run, labels_wanted=2)
    upload = told(project, rows_of_two(), {"round": shown.pk})
    confirm(upload, leave_out_bad=False, options={})
    Round.objects.update(closed_at=shown.created_at)

    store_rows(upload.pk)

    upload.refresh_from_db()
    assert upload.state == "cancelled"
    assert upload.refusal.startswith("The round is closed.")
    assert not Label.objects.exists()


def test_an_export_of_labels_can_be_imported_as_it_is(project, run, lead, reviewer):
    types = list(ErrorType.objects.filter(project=project)[:2])
    shown = make_round(run, labels_wanted=2)
    for number, item in enumerate(shown.items.order_by("order")):
        record_label(item, lead, assessed("fail", types[: 1 + number % 2], "see\tthere"))
        record_label(item, reviewer, assessed("pass"))

    again = imported(project, rows_of_export(project, "labels", round=shown.pk), new(run))

    assert labels_of(again) == labels_of(shown)
    assert set(Label.objects.filter(item__round=again).values_list("note", flat=True)) == {"see\tthere", ""}


def test_labels_carry_the_newest_version_of_the_taxonomy(project, run, lead):
    rows = [{"example_id": "example-1", "reviewer": "Lea", "outcome": "pass"}]
    before = latest_version(project)
    imported(project, rows, new(run, name="Before"))
    record_change(project, "renamed", lead)

    imported(project, rows, new(run, name="After"))

    said = dict(Label.objects.values_list("item__round__name", "taxonomy_version"))
    assert said == {"Before": before, "After": before + 1}


def test_labels_carry_the_version_that_knows_the_error_types_made_for_them(project, run, monkeypatch):
    monkeypatch.setattr(storing, "BATCH_LINES", 1)
    rows = [
        {"example_id": f"example-{number}", "reviewer": "Lea", "error_types": [f"Type {number}"]} for number in (1, 2)
    ]

    imported(project, rows, new(run), makes_types=True)

    for label in Label.objects.all():
        known = TaxonomyVersion.objects.get(project=project, number=label.taxonomy_version).tree
        assert label.error_types.get().pk in {row["id"] for row in known}
    assert latest_version(project) == max(Label.objects.values_list("taxonomy_version", flat=True))


def test_labels_of_a_project_without_a_taxonomy_carry_no_version(project, run):
    TaxonomyVersion.objects.filter(project=project).delete()

    imported(project, [{"example_id": "example-1", "reviewer": "Lea", "outcome": "pass"}], new(run))

    assert Label.objects.get().taxonomy_version is None


def latest_version(project):
    return TaxonomyVersion.objects.filter(project=project).latest("number").number
