"""Has enough been read: kinds of error by items read, as a curve and as the table behind it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from reviews.labelling import record_label
from reviews.models import Label, ReviewItem, Round
from reviews.notes.grouping import make_group, put
from reviews.notes.saturation import reading_of
from reviews.notes.steps import Line, Step, step_chart
from reviews.notes.turning import turn_group
from taxonomy.models import ErrorType
from tests.making import assessed, make_round, make_run, make_version


@pytest.fixture
def types(project):
    return list(ErrorType.objects.in_project(project).active()[:3])


def read(made, reviewer, said):
    """Label the items so, one a minute; the labels. ``said``: for each its error types, None for a pass."""
    begin = timezone.now() - timedelta(days=1)
    labels = []
    for number, (item, types) in enumerate(zip(made.items.order_by("order"), said, strict=False)):
        label = record_label(
            item, reviewer, assessed("pass" if types is None else "fail", types or [], f"note {number}")
        )
        Label.objects.filter(pk=label.pk).update(created_at=begin + timedelta(minutes=number))
        labels.append(label)
    return labels


@pytest.fixture
def made(project):
    return make_round(make_run(make_version(project, 6)))


def arrivals(reading):
    return [(each.kind, each.name, each.place, each.kinds, each.items) for each in reading.arrivals]


def test_kinds_are_counted_in_the_order_of_reading(project, reviewer, made, types):
    a, b, c = types
    labels = read(made, reviewer, [[a], None, [a, b], [b], [c]])

    reading = reading_of(project)

    assert (reading.read, reading.kinds, reading.quiet) == (5, 3, 0)
    assert arrivals(reading) == [
        ("type", a.name, 1, 1, 2),
        ("type", b.name, 3, 2, 2),
        ("type", c.name, 5, 3, 1),
    ]
    assert [each.output for each in reading.arrivals] == [labels[at].item.output_id for at in (0, 2, 4)]
    assert reading.saturation.types == (1, 1, 2, 2, 3)
    assert (reading.saturation.findings, reading.saturation.seen_once, reading.saturation.unseen) == (5, 1, 0.2)


def test_a_group_of_notes_is_a_kind_until_it_is_an_error_type(project, lead, reviewer, made, types):
    labels = read(made, reviewer, [[types[0]], [], [], []])
    group, _ = make_group(project, "Rude", lead)
    put(project, {label.pk: None for label in labels[1:3]}, group.pk, lead)

    assert arrivals(reading_of(project))[1:] == [("group", "Rude", 2, 2, 2)]
    turn_group(group, ErrorType(project=project, name="Rude"), lead)

    assert arrivals(reading_of(project))[1:] == [("type", "Rude", 2, 2, 2)]


def test_merged_types_are_one_kind(project, reviewer, made, types, lead):
    from taxonomy.versions import record_change

    a, b, _ = types
    read(made, reviewer, [[a], [b]])
    ErrorType.objects.filter(pk=b.pk).update(merged_into=a, retired_at=timezone.now())
    record_change(project, "Merged.", lead)

    assert arrivals(reading_of(project)) == [("type", a.name, 1, 1, 2)]


def test_practice_and_known_items_and_other_rounds_are_left_out(project, reviewer, made, types):
    read(made, reviewer, [[types[0]], [types[1]], [types[2]]])
    ReviewItem.objects.filter(pk=made.items.order_by("order")[1].pk).update(is_known=True)
    other = make_round(made.runs.get(), name="Other")

    assert [each.name for each in reading_of(project).arrivals] == [types[0].name, types[2].name]
    assert reading_of(project, other).read == 0
    Round.objects.filter(pk=made.pk).update(is_practice=True)
    assert reading_of(project).read == 0


def test_enough_is_a_hundred_items_of_which_the_last_twenty_brought_nothing(project, lead, reviewer, types):
    made = make_round(make_run(make_version(project, 100)))
    a, b, _ = types
    labels = read(made, reviewer, [[a]] * 80 + [[a, b]] + [[a]] * 18)
    assert not reading_of(project).is_enough  # 99 were read
    last = made.items.order_by("-order").first()
    record_label(last, reviewer, assessed("fail", [], "something else"))
    assert reading_of(project).quiet == 19
    labels[80].error_types.set([a])
    labels[79].error_types.set([a, b])

    reading = reading_of(project)

    assert (reading.read, reading.quiet, reading.is_quiet, reading.left) == (100, 20, True, 1)
    assert not reading.is_enough  # a note that nobody grouped may tell of a new kind
    record_label(last, reviewer, assessed("fail", [a], "something else"))
    assert reading_of(project).is_enough


@pytest.fixture
def page(client_of, project, lead):
    def got(query="", who=lead):
        return client_of(who).get(reverse("reviews:saturation", args=[project.slug]) + query)

    return got


def text_of(answer):
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


def test_the_page_says_it_in_a_sentence(page, project, reviewer, made, types):
    a, b, c = types
    read(made, reviewer, [[a], [a, b], [c], [b], None])

    text = text_of(page())

    assert "The last 2 items brought no new kind; about 20 % of findings would be of a kind not seen yet." in text
    assert "Read on until 100 items are read and the last 20 brought nothing new." in text


def test_the_chart_and_the_table_agree(page, project, reviewer, made, types):
    a, b, c = types
    read(made, reviewer, [[a], None, [a, b], [c]])

    html = page().content.decode()

    dots = re.findall(r'<a href="([^"]*)" aria-label="([^"]*): met after (\d+) items?">', html)
    rows = re.findall(
        r'<tr><th scope="row">.*?>([^<]*)</a>.*?<td class="figure">(\d+)</td>.*?<td><a href="([^"]*)"', html
    )
    assert [(name, place, link) for name, place, link in rows] == [(name, place, link) for link, name, place in dots]
    assert [(name, place) for name, place, _ in rows] == [(a.name, "1"), (b.name, "3"), (c.name, "4")]
    assert rows[1][2] == reverse("runs:output", args=[project.slug, made.items.order_by("order")[2].output_id])


def test_each_count_opens_the_items_that_it_counts(client_of, page, project, lead, reviewer, made, types):
    a, b, _ = types
    labels = read(made, reviewer, [[a], None, [a, b], [], []])
    group, _ = make_group(project, "Rude", lead)
    put(project, {label.pk: None for label in labels[3:]}, group.pk, lead)
    html = page().content.decode()

    counts = re.findall(r'<a class="number-link" href="([^"]*)">(\d+)<', html)

    assert [int(count) for _, count in counts] == [2, 1, 2]
    for link, count in counts:
        listed = client_of(lead).get(link).content.decode()
        assert listed.count('<th scope="row">') == int(count)
    listed = client_of(lead).get(counts[0][0]).content.decode()
    wanted = [reverse("runs:output", args=[project.slug, labels[at].item.output_id]) for at in (0, 2)]
    assert re.findall(r'<a class="clip" href="([^"]*)"', listed) == wanted
    types_page = client_of(lead).get(reverse("taxonomy:error_type", args=[project.slug, a.pk]))
    assert types_page.status_code == 200


def test_items_of_a_kind_come_in_pages(client_of, project, lead, reviewer, types, monkeypatch):
    monkeypatch.setattr("reviews.notes.saturation_views.ROWS", 2)
    read(make_round(make_run(make_version(project, 5))), reviewer, [[types[0]]] * 5)
    address = reverse("reviews:type_items", args=[project.slug, types[0].pk])

    pages = [
        client_of(lead).get(address + query).content.decode() for query in ("", "?after=2", "?after=4", "?after=5")
    ]

    assert [each.count('<th scope="row">') for each in pages] == [2, 2, 1, 0]
    assert ['rel="next"' in each for each in pages] == [True, True, False, False]
    assert "No item tells of this" in pages[3]


def test_empty_pages_say_what_to_do(page, reviewer, made):
    assert "Nothing has been read yet" in text_of(page())
    read(made, reviewer, [[]])
    assert "No kind of error has a name yet" in text_of(page())


def test_the_page_is_for_leads_of_the_project(page, reviewer, stranger, made):
    assert page(who=reviewer).status_code == 403
    assert page(who=stranger).status_code == 404
    assert page("?round=x").status_code == 400
    assert page("?round=999").status_code == 404


@pytest.mark.parametrize("size", [2, 30])
def test_the_page_takes_the_same_queries_for_any_size(
    client_of, project, lead, reviewer, types, size, django_assert_num_queries
):
    made = make_round(make_run(make_version(project, size)))
    read(made, reviewer, [[types[number % 2]] for number in range(size)])
    client = client_of(lead)

    # session, user, member; items, the tree, types and groups of labels, names, outputs, open notes; rounds, notes left
    with django_assert_num_queries(12):
        client.get(reverse("reviews:saturation", args=[project.slug]))


def test_a_curve_rises_by_one_at_each_place():
    # Two kinds in ten items, at the second and the fifth; the scale ends at two.
    chart = step_chart("x", [2, 5], 10)

    assert chart.steps == [Step(20.0, 50.0, 2, 1), Step(50.0, 0.0, 5, 2)]
    assert chart.lines == [
        Line(0.0, 100.0, 20.0, 100.0),
        Line(20.0, 100.0, 20.0, 50.0),
        Line(20.0, 50.0, 50.0, 50.0),
        Line(50.0, 50.0, 50.0, 0.0),
        Line(50.0, 0.0, 100.0, 0.0),
    ]
    assert [(line.y1, line.count) for line in chart.scale] == [(100.0, 0), (50.0, 1), (0.0, 2)]
    assert (chart.quiet_from, chart.quiet_width) == (50.0, 50.0)


@pytest.mark.parametrize(("kinds", "scale"), [(0, [0, 1]), (7, [0, 2, 4, 6, 8]), (40, [0, 10, 20, 30, 40])])
def test_the_scale_has_few_whole_numbers(kinds, scale):
    chart = step_chart("x", range(1, kinds + 1), 50)

    assert [line.count for line in chart.scale] == scale
