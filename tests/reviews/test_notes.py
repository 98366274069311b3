import re

import pytest
from django.urls import reverse

from reviews.labelling import record_label
from reviews.models import Round
from reviews.notes.wall import by_type, notes_for
from reviews.rounds.closing import close_round
from taxonomy.models import ErrorType
from tests.making import assessed, make_candidate, make_round, make_run, make_version


@pytest.fixture
def run(project):
    return make_run(make_version(project, 4), make_candidate(project, "hidden-model"))


@pytest.fixture
def types(project):
    return list(ErrorType.objects.in_project(project)[:2])


@pytest.fixture
def made(run, lead, reviewer, types):
    """Two labels each by Lea and Rob, three of them with a note."""
    made = make_round(run)
    one, two, three, four = made.items.order_by("order")
    record_label(one, reviewer, assessed("fail", types, "Rob: wrong id"))
    record_label(two, reviewer, assessed("pass"))
    record_label(three, lead, assessed("fail", types[:1], "Lea: too polite"))
    record_label(four, lead, assessed("pass", note="Lea: fine, if short"))
    return made


@pytest.fixture
def get(client_of, project, made):
    def got(who, query=""):
        return client_of(who).get(reverse("reviews:notes", args=[project.slug, made.pk]) + query)

    return got


def notes_in(answer):
    return re.findall(r'class="note-text"[^>]*>([^<]*)<', answer.content.decode())


def test_a_lead_reads_all_notes_newest_first(get, lead, project, made):
    answer = get(lead)

    assert notes_in(answer) == ["Lea: fine, if short", "Lea: too polite", "Rob: wrong id"]
    page = answer.content.decode()
    assert "hidden-model" in page
    output = made.items.order_by("order").first().output_id
    assert reverse("runs:output", args=[project.slug, output]) in page


def test_a_reviewer_reads_their_own_until_the_round_is_closed(get, reviewer, lead, made):
    assert notes_in(get(reviewer)) == ["Rob: wrong id"]
    assert "Lea" not in re.sub("(?s)<header.*?</header>", "", get(reviewer).content.decode())
    close_round(made, lead)

    assert notes_in(get(reviewer)) == ["Lea: fine, if short", "Lea: too polite", "Rob: wrong id"]


def test_a_blind_round_names_no_candidate_to_a_reviewer_even_when_closed(get, reviewer, lead, run, made):
    close_round(made, lead)

    page = get(reviewer, f"?candidate={run.candidate_id + 1}").content.decode()

    assert "hidden-model" not in page
    assert len(notes_in(get(reviewer, f"?candidate={run.candidate_id + 1}"))) == 3  # nor can it be asked
    Round.objects.update(is_blind=False)
    assert "hidden-model" in get(reviewer).content.decode()


def test_a_reviewer_does_not_read_of_outputs_that_they_have_yet_to_label(get, reviewer, lead, run, made):
    close_round(made, lead)
    other = make_round(run, name="Other")
    third = other.items.order_by("order")[2]

    assert notes_in(get(reviewer)) == ["Rob: wrong id"]
    record_label(third, reviewer, assessed("pass"))

    assert notes_in(get(reviewer)) == ["Lea: too polite", "Rob: wrong id"]


def test_notes_are_narrowed_by_outcome_type_person_and_candidate(get, lead, reviewer, run, types, made):
    assert notes_in(get(lead, "?outcome=pass")) == ["Lea: fine, if short"]
    assert notes_in(get(lead, f"?error_type={types[1].pk}")) == ["Rob: wrong id"]
    assert notes_in(get(lead, "?error_type=none")) == ["Lea: fine, if short"]
    assert notes_in(get(lead, f"?person={reviewer.pk}")) == ["Rob: wrong id"]
    assert len(notes_in(get(lead, f"?candidate={run.candidate_id}"))) == 3
    assert "No note fits" in get(lead, f"?candidate={run.candidate_id + 1}").content.decode()


def test_a_note_stands_under_each_of_its_error_types(made, lead, types):
    groups = by_type(notes_for(made, lead, is_lead=True))

    assert [(group.error_type, group.total, [label.note for label in group.labels]) for group in groups] == [
        (types[0], 2, ["Lea: too polite", "Rob: wrong id"]),
        (types[1], 1, ["Rob: wrong id"]),
        (None, 1, ["Lea: fine, if short"]),
    ]


def test_of_each_type_the_newest_are_shown_with_how_many_there_are(project, lead, types, client_of):
    made = make_round(make_run(make_version(project, 15)))
    for number, item in enumerate(made.items.order_by("order")):
        record_label(item, lead, assessed("fail", types[:1], f"note {number}"))

    (group,) = by_type(notes_for(made, lead, is_lead=True))

    assert (group.total, [label.note for label in group.labels]) == (15, [f"note {n}" for n in range(14, 2, -1)])
    page = client_of(lead).get(reverse("reviews:notes", args=[project.slug, made.pk]) + "?order=types")
    assert f'href="?error_type={types[0].pk}"' in page.content.decode()
    assert "15 notes" in page.content.decode()


def test_a_round_without_notes_says_what_to_do(client_of, project, reviewer, run):
    made = make_round(run)

    page = client_of(reviewer).get(reverse("reviews:notes", args=[project.slug, made.pk])).content.decode()

    assert "No notes yet" in page
    assert reverse("reviews:desk", args=[project.slug, made.pk]) in page


@pytest.mark.parametrize("query", ["?order=odd", "?outcome=odd", "?error_type=x", "?person=x", "?after=x"])
def test_odd_addresses_are_answered_calmly(get, lead, query):
    assert get(lead, query).status_code == 400


@pytest.mark.parametrize("size", [1, 30])
def test_the_wall_takes_the_same_queries_for_any_size(client_of, project, lead, types, size, django_assert_num_queries):
    made = make_round(make_run(make_version(project, size)))
    for number, item in enumerate(made.items.all()):
        record_label(item, lead, assessed("fail", types[number % 2 :], "x"))
    client = client_of(lead)
    address = reverse("reviews:notes", args=[project.slug, made.pk])

    # session, user, member, round, labels, their types, and three of the filters
    with django_assert_num_queries(9):
        client.get(address)
    # two of them by type and without, the labels, their types, the types
    with django_assert_num_queries(12):
        client.get(f"{address}?order=types")
