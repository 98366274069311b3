import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalhub.web.charts import (
    Bar,
    Column,
    ColumnMark,
    Line,
    Mark,
    Moment,
    bar_chart,
    column_chart,
    heat_step,
    series_chart,
)


def test_places_are_percentages_of_the_scale():
    bar = Bar("A", 30, 100, (0.2, 0.4))

    chart = bar_chart("Shares", [("Group", [bar])], top=0.5)

    assert chart.groups[0].marks == [Mark(bar, end=60.0, low=40.0, high=80.0)]
    assert chart.lines == [
        Line(0.0, 0.0),
        Line(20.0, 0.1),
        Line(40.0, 0.2),
        Line(60.0, 0.3),
        Line(80.0, 0.4),
        Line(100.0, 0.5),
    ]


@pytest.mark.parametrize(
    ("reach", "end", "has_small_steps"),
    [(0.011, 0.02, True), (0.08, 0.1, False), (0.5, 0.5, False), (0.51, 1.0, False)],
)
def test_the_scale_ends_past_the_highest_whisker(reach, end, has_small_steps):
    chart = bar_chart("Shares", [("", [Bar("A", 1, 100, (0.0, 0.01)), Bar("B", 1, 100, (0.0, reach))])])

    assert chart.lines[-1] == Line(100.0, end)
    assert chart.has_small_steps is has_small_steps


def test_nothing_counted_is_nothing_drawn():
    chart = bar_chart("Shares", [("", [Bar("A", 0, 0)])])

    assert chart.groups[0].marks[0].end == 0.0
    assert chart.groups[0].marks[0].bar.share is None
    assert bar_chart("Shares", []).lines[-1] == Line(100.0, 1.0)


def test_colours_repeat_after_the_last_and_groups_keep_them():
    bars = [Bar("A", 1, 2, series=1), Bar("B", 1, 2, series=7)]

    chart = bar_chart("Shares", [("One", bars), ("Two", bars)])

    assert [[mark.colour for mark in group.marks] for group in chart.groups] == [[1, 1], [1, 1]]


counted = st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counted, min_size=1), st.one_of(st.none(), st.floats(0.01, 1)))
def test_marks_stay_inside_and_in_order(shares, top):
    bars = [Bar(str(place), count, n, (count / n / 2, (1 + count / n) / 2)) for place, (count, n) in enumerate(shares)]

    chart = bar_chart("Shares", [("", bars)], top)

    for mark in chart.groups[0].marks:
        assert 0 <= mark.low <= mark.end <= mark.high <= 100
    assert [line.place for line in chart.lines] == sorted(line.place for line in chart.lines)
    assert chart.lines[-1].place <= 100


@pytest.mark.parametrize(
    ("share", "top", "step"),
    [
        (None, 1, 0),
        (0.0, 1, 0),
        (0.001, 1, 1),
        (1 / 6, 1, 1),
        (0.17, 1, 2),
        (0.5, 1, 3),
        (1.0, 1, 6),
        (0.3, 0.3, 6),
        (0.9, 0.3, 6),
    ],
)
def test_steps_of_the_heat_map(share, top, step):
    assert heat_step(share, top) == step


def test_columns_stand_side_by_side_and_the_highest_fills_the_drawing():
    one, two = Column("Monday", 5), Column("Tuesday", 20)

    chart = column_chart("Labels", [one, two])

    assert chart.marks == [
        ColumnMark(one, left=5.0, width=40.0, top=75.0, height=25.0),
        ColumnMark(two, left=55.0, width=40.0, top=0.0, height=100.0),
    ]
    assert chart.most == 20


def test_columns_of_nothing_have_no_height():
    assert [mark.height for mark in column_chart("Labels", [Column("Monday", 0)]).marks] == [0.0]
    assert column_chart("Labels", []).marks == []


def test_moments_stand_at_even_distances_with_lines_between_those_that_are_there():
    """A scale to 50 %: 25 % is in the middle; behind a moment of which nothing is known the line begins anew."""
    bars = [Bar("a", 1, 4, (0.1, 0.5)), Bar("b", 2, 10, (0.05, 0.4)), Bar("c", 0, 0), Bar("d", 1, 2, (0.3, 0.5))]

    chart = series_chart("Trend", [Moment(bar, bar.label) for bar in bars])

    assert [dot.left for dot in chart.dots] == [12.5, 37.5, 62.5, 87.5]
    assert [dot.top for dot in chart.dots] == [50.0, 60.0, None, 0.0]
    assert (chart.dots[0].low, chart.dots[0].high) == (80.0, 0.0)
    assert [dot.before for dot in chart.dots] == [None, (12.5, 50.0), None, None]
    assert [line.place for line in chart.lines] == [100.0, 80.0, 60.0, 40.0, 20.0, 0.0]


def test_an_estimate_is_drawn_in_the_place_of_what_was_counted():
    bar = Bar("a", 3, 4, (0.1, 0.4), estimate=0.2)

    assert bar.share == 0.2
    assert bar_chart("Rates", [("", [bar])], 1).groups[0].marks[0].end == 20.0
