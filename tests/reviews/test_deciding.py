"""Adjudication: contested items settled by a lead who sees all labels, still without the model's name."""

import pytest
from django.urls import reverse

from evalhub.evalsets.models import Correction
from evalhub.projects.models import Role
from reviews.deciding.contested import next_contested
from reviews.labelling import decide, record_label
from reviews.models import Decision, ItemEvent, ReviewItem
from reviews.rounds.closing import close_round
from reviews.status import Status
from taxonomy.models import ErrorType, Verdict
from taxonomy.types.editing import carry_out
from taxonomy.types.reshaping import Merge
from tests.exports.asking import rows
from tests.making import assessed, make_round, make_run, make_version
from tests.people import make_member


@pytest.fixture
def people(project):
    return [make_member(project, name, Role.REVIEWER) for name in ("Rita", "Rolf")]


@pytest.fixture
def types(project):
    return list(ErrorType.objects.filter(project=project, children=None)[:2])


@pytest.fixture
def contested(project, people, types):
    """A round of three items that two people contest, in each the second one fails it."""
    made = make_round(make_run(make_version(project, 3), "secret-model"), labels_wanted=2)
    for item in made.items.order_by("order"):
        contest(item, people, types)
    return made


def contest(item, people, types):
    record_label(item, people[0], assessed("pass", note="It is fine."))
    record_label(item, people[1], assessed("fail", types[:1], "It is too long.", severity="major", failing_step=2))


@pytest.fixture
def client(client_of, lead):
    return client_of(lead)


def items_of(contested):
    return list(contested.items.order_by("order", "pk"))


def address(project, item):
    return reverse("reviews:decide", args=[project.slug, item.pk])


def send(client, project, item, follow=True, **said):
    saw = client.get(address(project, item)).context["saw"]
    return client.post(address(project, item), {"saw": saw, **said}, follow=follow)


def label_of(item, person):
    return item.labels.get(reviewer=person)


def test_all_labels_stand_side_by_side_with_what_differs_marked(client, project, contested, types):
    page = client.get(address(project, items_of(contested)[0]))

    lines = {line.name: (list(line.values), line.differs) for line in page.context["lines"]}
    assert lines == {
        "Error types": ([[], [types[0].name]], True),
        "Severity": (["", "Major"], True),
        "First failing step": ([None, 2], True),
        "Note": (["It is fine.", "It is too long."], True),
    }
    assert [voice.label.reviewer.name for voice in page.context["voices"]] == ["Rita", "Rolf"]
    assert "Contested item 1" in page.text
    assert page.text.count('class="differs"') == 5


def test_the_candidate_stays_hidden(client, project, contested):
    item = items_of(contested)[0]
    run = contested.runs.get()

    for url in (address(project, item), reverse("reviews:contested", args=[project.slug, contested.pk])):
        text = client.get(url).text
        assert "secret-model" not in text
        assert f"/runs/{run.pk}/" not in text
        assert f"/outputs/{item.output_id}/" not in text


def test_a_label_taken_over_settles_the_item_and_the_next_one_follows(client, project, contested, people, lead):
    first, second, _ = items_of(contested)

    answer = send(client, project, first, take=label_of(first, people[1]).pk)

    assert answer.redirect_chain == [(address(project, second), 302)]
    assert "Settled as fail." in answer.text
    decision = Decision.objects.get(item=first)
    assert decision.as_said() == label_of(first, people[1]).as_said()
    assert decision.decided_by == lead
    verdict = Verdict.objects.get(output=first.output)
    assert (verdict.outcome, verdict.decided_by, verdict.why) == ("fail", lead, "It is too long.")
    assert first.events.filter(action=ItemEvent.Action.DECIDED).count() == 1
    assert ReviewItem.objects.get(pk=first.pk).status == Status.SETTLED


def test_ones_own_note_is_the_reason_of_a_label_taken_over(client, project, contested, people):
    first = items_of(contested)[0]

    send(client, project, first, take=label_of(first, people[0]).pk, note="The limit is 200 words.")

    assert Verdict.objects.get(output=first.output).why == "The limit is 200 words."


def test_something_else_may_be_said_with_a_reason(client, project, contested, types):
    first, second, _ = items_of(contested)
    other = {"outcome": "fail", "error_types": [types[1].pk]}

    without = send(client, project, first, **other)
    answer = send(client, project, first, **other, note="It answers another question.", severity="minor")

    assert without.status_code == 422
    assert "This differs from every label. Say why: write a note." in without.text
    assert f'value="{types[1].pk}" checked' in without.text
    assert answer.redirect_chain == [(address(project, second), 302)]
    verdict = Verdict.objects.get(output=first.output)
    assert [finding.error_type for finding in verdict.findings.all()] == [types[1]]
    assert verdict.why == "It answers another question."


def test_what_agrees_with_a_label_needs_no_reason(client, project, contested):
    first = items_of(contested)[0]

    send(client, project, first, outcome="pass")

    assert Verdict.objects.get(output=first.output).outcome == "pass"


def test_when_somebody_decided_meanwhile_a_sentence_says_so_and_nothing_is_lost(client, project, contested, admin):
    first = items_of(contested)[0]
    saw = client.get(address(project, first)).context["saw"]
    decide(first, admin, assessed("pass"))
    said = {"outcome": "fail", "note": "Page 3 says otherwise."}

    stale = client.post(address(project, first), {"saw": saw, **said})
    again = client.post(address(project, first), {"saw": stale.context["saw"], **said}, follow=True)

    assert stale.status_code == 422
    assert "Ada settled this item as pass meanwhile." in stale.text
    assert "Page 3 says otherwise.</textarea>" in stale.text
    assert "Settled as fail." in again.text
    assert Verdict.objects.get(output=first.output).why == "Page 3 says otherwise."


def test_when_a_label_changed_meanwhile_the_lead_looks_again(client, project, contested, people, types):
    first = items_of(contested)[0]
    saw = client.get(address(project, first)).context["saw"]
    record_label(first, people[0], assessed("pass", note="Still fine."))

    stale = client.post(address(project, first), {"saw": saw, "take": label_of(first, people[0]).pk})
    gone = client.post(address(project, first), {"saw": saw, "take": 999_999_999})

    assert "A label of this item was changed meanwhile." in stale.text
    assert "Still fine." in stale.text
    assert "That label was taken back meanwhile. Choose another." in gone.text
    assert not Decision.objects.exists()


def test_a_double_click_is_one_decision(client, project, contested):
    first = items_of(contested)[0]
    data = {"saw": client.get(address(project, first)).context["saw"], "outcome": "pass"}

    answers = [client.post(address(project, first), data).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert first.events.filter(action=ItemEvent.Action.DECIDED).count() == 1


def test_a_decision_is_taken_back_and_the_labels_count_again(client, project, contested):
    first = items_of(contested)[0]
    send(client, project, first, outcome="pass")

    url = reverse("reviews:take_decision_back", args=[project.slug, first.pk])
    answer = client.post(url, follow=True)
    again = client.post(url, follow=True)

    assert answer.redirect_chain == [(address(project, first), 302)]
    assert "The decision is taken back." in answer.text
    assert "Somebody took this decision back already." in again.text
    assert ReviewItem.objects.get(pk=first.pk).status == Status.CONTESTED
    assert not Verdict.objects.exists()


def test_after_the_last_one_the_decisions_are_listed(client, project, contested, lead):
    items = items_of(contested)
    for item in items[:2]:
        decide(item, lead, assessed("pass", note="As agreed."))

    answer = send(client, project, items[2], outcome="pass")

    listed = reverse("reviews:contested", args=[project.slug, contested.pk])
    assert answer.redirect_chain == [(f"{listed}?show=decided", 302)]
    assert answer.text.count("As agreed.") == 2
    assert answer.text.count("Lea, ") == 3


def test_whoever_labelled_an_item_leaves_it_to_another_lead(client_of, project, people, types, lead, admin):
    made = make_round(make_run(make_version(project, 2)), labels_wanted=2)
    own, other = made.items.order_by("order")
    contest(own, [lead, people[1]], types)
    contest(other, people, types)
    client = client_of(lead)

    page = client.get(address(project, own))
    refused = client.post(address(project, own), {"saw": page.context["saw"], "outcome": "pass"})

    assert "You labelled this item yourself, so somebody else settles it: Ada." in page.text
    assert 'name="take"' not in page.text
    assert refused.status_code == 409
    assert not Decision.objects.exists()
    assert next_contested(made, lead) == other
    assert next_contested(made, lead, other) == own


def test_where_only_ones_own_are_left_the_list_says_who_settles_them(client_of, project, people, types, lead, admin):
    made = make_round(make_run(make_version(project, 2)), labels_wanted=2)
    own, other = made.items.order_by("order")
    contest(own, [lead, people[1]], types)
    contest(other, people, types)
    client, listed = client_of(lead), reverse("reviews:contested", args=[project.slug, made.pk])
    assert reverse("reviews:decide", args=[project.slug, other.pk]) + '" data-shortcut' in client.get(listed).text

    answer = send(client, project, other, outcome="pass")

    assert answer.redirect_chain == [(listed, 302)]
    assert "You labelled it yourself, so somebody else settles it: Ada." in answer.text
    assert 'data-shortcut-name="Settle the first one"' not in answer.text


def test_the_only_lead_may_settle_what_they_labelled(client_of, project, people, types, admin):
    made = make_round(make_run(make_version(project, 1)), labels_wanted=2)
    item = made.items.get()
    contest(item, [admin, people[1]], types)
    client = client_of(admin)

    page = client.get(address(project, item))
    send(client, project, item, outcome="pass")

    assert "There is no other lead who did not, so you may settle it all the same." in page.text
    assert Decision.objects.get(item=item).decided_by == admin


def test_labels_stay_hidden_while_an_item_waits_for_more(client, project, people, types):
    made = make_round(make_run(make_version(project, 1)), labels_wanted=2)
    item = made.items.get()
    record_label(item, people[0], assessed("fail", types, "Rita's secret"))

    answer = client.get(address(project, item), follow=True)

    assert "they stay hidden until then" in answer.text
    assert "Rita's secret" not in answer.text


def test_in_a_closed_round_nothing_is_settled(client, project, contested, admin):
    first = items_of(contested)[0]
    close_round(contested, admin)

    page = client.get(address(project, first))
    answer = client.post(address(project, first), {"saw": page.context["saw"], "outcome": "pass"})

    assert "The round is closed, so what is settled stays." in page.text
    assert answer.status_code == 422
    assert not Decision.objects.exists()


def test_the_expected_answer_found_wrong_here_becomes_a_proposal(client, project, contested, lead):
    first = items_of(contested)[0]
    said = {"outcome": "pass", "fault": "expected", "note": "The sum is wrong."}

    same = send(client, project, first, **said, correction=first.output.example.expected)
    send(client, project, first, **said, correction="eleven")

    assert (same.status_code, "is what the example expects already" in same.text) == (422, True)
    proposed = Correction.objects.get()
    assert (proposed.expected, proposed.note, proposed.proposed_by) == ("eleven", "The sum is wrong.", lead)


def test_reviewers_settle_nothing(client_of, project, contested, people):
    client = client_of(people[0])

    assert client.get(address(project, items_of(contested)[0])).status_code == 403
    assert client.get(reverse("reviews:contested", args=[project.slug, contested.pk])).status_code == 403


def test_the_list_is_paged_in_the_order_of_the_round(client, project, people, types, monkeypatch):
    made = make_round(make_run(make_version(project, 5)), labels_wanted=2)
    for item in made.items.all():
        contest(item, people, types)
        ReviewItem.objects.filter(pk=item.pk).update(order=1 / item.pk)
    monkeypatch.setattr("reviews.deciding.contested.page_in_order.__defaults__", (2,))
    url = reverse("reviews:contested", args=[project.slug, made.pk])

    first = client.get(url).context["page"]
    second = client.get(url, {"after": first.after}).context["page"]
    back = client.get(url, {"before": second.before}).context["page"]

    in_order = sorted((item.pk for item in made.items.all()), reverse=True)
    assert [item.pk for item in first.rows] == in_order[:2]
    assert [item.pk for item in second.rows] == in_order[2:4]
    assert [item.pk for item in back.rows] == in_order[:2]
    assert (first.before, back.before) == (None, None)


def test_the_number_of_queries_does_not_grow(client, project, people, types, django_assert_num_queries):
    made = make_round(make_run(make_version(project, 30)), labels_wanted=2)
    url = reverse("reviews:contested", args=[project.slug, made.pk])
    items = list(made.items.order_by("order"))

    contest(items[0], people, types)
    client.get(url)
    with django_assert_num_queries(13):
        client.get(url)
    for item in items[1:]:
        contest(item, people, types)
    with django_assert_num_queries(13):
        client.get(url)


def test_the_page_of_the_output_and_the_export_say_who_decided_and_why(client, project, contested, lead):
    first = items_of(contested)[0]
    decide(first, lead, assessed("fail", note="Page 3 says otherwise."))

    page = client.get(reverse("taxonomy:output_verdict", args=[project.slug, first.output_id]))
    exported = rows(project, "verdicts", run=first.output.run_id)

    assert "Lea settled it over the labels on" in page.text
    assert "Page 3 says otherwise." in page.text
    assert [(row["verdict"], row["decided_by"], row["why"]) for row in exported] == [
        ("fail", "Lea", "Page 3 says otherwise.")
    ]


def test_the_page_of_an_item_takes_the_same_queries_for_any_number(
    client, project, people, types, django_assert_num_queries
):
    version = make_version(project, 2)
    few, many = (make_round(make_run(version, name), labels_wanted=wanted) for name, wanted in (("a", 2), ("b", 6)))
    more = [*people, *(make_member(project, f"Person{n}", Role.REVIEWER) for n in range(4))]
    for made, labellers in ((few, people), (many, more)):
        for item in made.items.all():
            for n, person in enumerate(labellers):
                record_label(item, person, assessed("fail" if n else "pass", types if n else [], "Because."))
    one, other = (made.items.earliest("order") for made in (few, many))

    client.get(address(project, one))
    with django_assert_num_queries(16):
        client.get(address(project, one))
    with django_assert_num_queries(16):
        client.get(address(project, other))


def test_saying_what_a_label_says_in_the_terms_of_now_needs_no_reason(client, lead, project, contested, types):
    item = items_of(contested)[0]
    carry_out(project, Merge((types[0].pk,), types[1].pk), lead)

    send(client, project, item, outcome="fail", error_types=[types[1].pk])

    assert list(Decision.objects.get(item=item).error_types.all()) == [types[1]]


def test_error_types_that_count_as_the_same_by_now_are_not_marked_as_different(
    client, lead, project, contested, people, types
):
    item = items_of(contested)[0]
    record_label(item, people[0], assessed("fail", types[1:], "It is too long."))
    assert line_of_types(client, project, item).differs

    carry_out(project, Merge((types[0].pk,), types[1].pk), lead)

    line = line_of_types(client, project, item)
    assert not line.differs
    assert list(line.values) == [[types[1].name], [types[0].name]]


def line_of_types(client, project, item):
    (line,) = [each for each in client.get(address(project, item)).context["lines"] if each.name == "Error types"]
    return line
