"""Sentences in all directions, from figures made up for them."""

from types import SimpleNamespace

import pytest

from taxonomy.comparison.figures import Subject, judged
from taxonomy.comparison.wording import headlines_of, p_text, points
from taxonomy.statistics.alarms import PairCounts
from tests.taxonomy.comparison.making import figure_made as made

FIRST = SimpleNamespace(pk=1, candidate=SimpleNamespace(name="old"))
SECOND = SimpleNamespace(pk=2, candidate=SimpleNamespace(name="new"))
PEOPLE, CHECKS = Subject("people", "By people", "people"), Subject("checks", "By the checks", "check")


def mode(name, *counts, severity="major", source="people", key=7):
    return made(Subject("mode", name, source, error_type=key, severity=severity), *counts)


def said(*figures):
    found = judged(figures)
    totals = [figure for figure in found if figure.subject.is_total]
    tested = [figure for figure in found if not figure.subject.is_total]
    return headlines_of(totals, tested, FIRST, SECOND, as_of=3)


def texts(*figures):
    return [headline.text for headline in said(*figures)]


def test_a_hidden_regression_stands_first_with_the_total_that_hides_it():
    # 350 and 360 of 500 right; a mode of 2 % becomes 8 %.
    total = made(PEOPLE, 100, 50, 40, 310)
    headline = said(total, mode("Invalid JSON", 6, 4, 34, 456))[0]

    assert (headline.kind, headline.is_hidden) == ("regression", True)
    assert headline.text == (
        "Better overall, by people (72.0 % right against 70.0 %, 360 against 350 of 500), but “Invalid JSON” (found by"
        " people) rose from 2.0 % to 8.0 %: 30 outputs more (34 new, 4 gone), p < 0.0001 after correction."
    )
    assert [(part.count, part.query_string) for part in headline.parts if part.query] == [
        (34, "first=1&second=2&figure=7-people&as_of=3&change=broken"),
        (4, "first=1&second=2&figure=7-people&as_of=3&change=fixed"),
    ]


def test_a_regression_that_the_total_shows_too_is_not_called_hidden():
    headline = said(made(PEOPLE, 0, 0, 40, 60), mode("Tone", 0, 0, 40, 60))[0]

    assert not headline.is_hidden
    assert headline.text == (
        "Worse overall, by people (60.0 % right against 100.0 %, 60 against 100 of 100), and “Tone” (found by people)"
        " rose from 0.0 % to 40.0 %: 40 outputs more, p < 0.0001 after correction."
    )


@pytest.mark.parametrize(
    ("counts", "start"),
    [
        ((10, 5, 5, 80), "Equal overall, by the checks (85.0 % right in both, 85 of 100)"),
        ((10, 4, 6, 80), "Not shown to be worse overall, by the checks (84.0 % right against 86.0 %, 84 against 86 of"),
        ((10, 6, 4, 80), "Better overall, by the checks (86.0 % right against 84.0 %, 86 against 84 of 100)"),
    ],
)  # fmt: skip
def test_the_total_is_worded_by_what_it_shows(counts, start):
    assert texts(made(CHECKS, *counts), mode("Form", 0, 0, 20, 80, source="check"))[0].startswith(start)


def test_the_total_of_who_found_the_mode_comes_first():
    totals = made(PEOPLE, 0, 1, 1, 9), made(CHECKS, 0, 8, 8, 284)

    by_checks = said(*totals, mode("Form", 0, 0, 50, 50, source="check"))[0].text
    by_people = said(*totals, mode("Form", 0, 0, 50, 50))[0].text

    assert by_checks.startswith("Equal overall, by the checks")
    assert by_people.startswith("Equal overall, by people")


def test_the_total_of_the_other_hides_it_too_and_a_single_check_only_where_it_is_better():
    number = Subject("check", "Number", "check", check=4)
    worse = made(CHECKS, 0, 0, 50, 50)

    better = said(worse, made(number, 0, 8, 1, 91), mode("Form", 0, 0, 50, 50, source="check"))[0]
    assert better.text.startswith(
        "Better by the check “Number” (99.0 % right against 92.0 %, 99 against 92 of 100), but"
    )
    assert better.is_hidden
    same = said(worse, made(number, 0, 1, 1, 98), mode("Form", 0, 0, 50, 50, source="check"))[0]
    assert same.text.startswith("Worse overall, by the checks (50.0 % right against 100.0 %")
    assert not same.is_hidden
    people = said(made(PEOPLE, 0, 5, 5, 10), worse, mode("Form", 0, 0, 50, 50, source="check"))[0]
    assert people.text.startswith("Equal overall, by people")


def test_a_single_new_critical_failure_is_told_though_nothing_is_shown():
    assert texts(mode("Leak", 0, 0, 1, 299, severity="critical"))[0] == (
        "Critical: “Leak” (found by people) on 1 output of new where old does not have it (1 of 300 against 0 of 300)."
        " Whether it became more frequent cannot be told: p = 1.00 tested alone."
    )
    assert texts(mode("Leak", 3, 2, 3, 292, severity="critical"))[0].startswith(
        "Critical: “Leak” (found by people) on 3 outputs of new where old does not have it"
    )


def test_a_critical_type_is_tested_alone_and_named_before_the_correction_would_allow():
    others = [mode(f"Type {key}", 0, 3, 3, 94, key=key) for key in range(10, 30)]
    leak = mode("Leak", 0, 0, 6, 94, severity="critical")

    assert texts(made(PEOPLE, 0, 30, 30, 40), leak, *others)[0].endswith(
        "but critical: “Leak” (found by people) rose from 0.0 % to 6.0 %: 6 outputs more, p = 0.031 tested alone."
    )
    assert "regression" not in {headline.kind for headline in said(mode("Leak", 0, 0, 6, 94), *others)}


def test_what_fell_is_told_after_the_totals():
    found = texts(made(PEOPLE, 0, 30, 0, 70), mode("Tone", 0, 30, 0, 70))

    assert found == [
        "Better overall, by people (100.0 % right against 70.0 %, 100 against 70 of 100): +30.0 points (95 % interval"
        " +21.9 to +39.6), 30 fixed and 0 broken of 100 pairs, p < 0.0001.",
        "“Tone” (found by people) fell from 30.0 % to 0.0 %: 30 outputs fewer, p < 0.0001 after correction.",
    ]


def test_what_cannot_be_told_says_how_many_pairs_would_tell():
    (text,) = texts(mode("Tone", 0, 1, 3, 96))

    assert text.startswith(
        "Cannot tell for 1 failure mode whether it became more or less frequent: to show a rise of 2.0 points, as seen,"
        " in “Tone” (found by people) would take about "
    )
    assert text.endswith(" pairs; there are 100.")


def test_where_nothing_rose_and_2_points_would_have_shown_it_says_so():
    (text,) = texts(mode("Tone", 10, 40, 40, 99_910))

    assert text == (
        "Cannot tell for 1 failure mode whether it became more or less frequent: a rise of 2.0 points would have shown."
    )


def test_without_any_pair_it_says_what_to_do():
    assert texts(made(PEOPLE, 0, 0, 0, 0)) == [
        "Nothing can be compared yet: people settled no pair of outputs of these two runs, and no active check judged"
        " one. Review both runs in one round, or add a check to the eval set."
    ]


def test_a_type_above_with_the_same_pairs_is_no_hypothesis_of_its_own():
    above = made(Subject("mode", "Grounding", "people", error_type=1), 0, 0, 9, 91)
    below = made(Subject("mode", "Invented", "people", error_type=2, depth=1), 0, 0, 9, 91)

    found = judged([above, below])

    assert [figure.adjusted for figure in found] == [below.p, below.p]
    assert [figure.is_tested for figure in found] == [False, True]


def test_counts_and_p_are_written_so_that_nothing_is_lost():
    assert [p_text(p) for p in (0.00001, 0.0004, 0.034, 0.21, 1.0)] == [
        "p < 0.0001", "p = 0.0004", "p = 0.034", "p = 0.21", "p = 1.00",
    ]  # fmt: skip
    assert [points(share) for share in (0.02, -0.0312, 0.0, -0.0001)] == ["+2.0", "−3.1", "0.0", "0.0"]
    assert tuple(mode("Tone", 1, 2, 3, 4).counts) == tuple(PairCounts(1, 2, 3, 4))
