"""The language of ``evalhub gate --fail-on``, and its answers as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from evalhub.client.junit import junit_xml
from evalhub.client.rules import Judged, Limit, Outcome, Rule, RuleError, held, judged, parsed


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Critical  regressions", Rule("Critical regressions", "critical")),
        ("hidden regressions", Rule("hidden regressions", "any")),
        ("invalid_json > 2 %", Rule("invalid_json > 2 %", limit=Limit("invalid_json", "", False, 0.02))),
        ("checks: no_json>0.5%", Rule("checks: no_json>0.5%", limit=Limit("no_json", "check", False, 0.005))),
        ("people:a b rises > 1 %", Rule("people:a b rises > 1 %", limit=Limit("a b", "people", True, 0.01))),
        ("right < 90 %", Rule("right < 90 %", limit=Limit("right", "", False, 0.9))),
        ("right falls > 1 %", Rule("right falls > 1 %", limit=Limit("right", "", True, 0.01))),
    ],
)
def test_a_rule_is_read(text, rule):
    assert parsed(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "regressions",
        "a > b",
        "a > 2",
        "a < 2 %",
        "a falls > 2 %",
        "right > 2 %",
        "right rises > 2 %",
        "check: right < 2 %",
        "a > 101 %",
        "a > -2 %",
        "a > 1e9 %",
        "> 2 %",
    ],
)
def test_what_is_no_rule_is_refused_with_one_that_is(text):
    with pytest.raises(RuleError, match="is no rule"):
        parsed(text)


@pytest.mark.parametrize(
    ("value", "worst", "limit", "outcome"),
    [
        (0.02, 0.02, 0.02, Outcome.PASSED),
        (0.021, 0.03, 0.02, Outcome.FAILED),
        (0.01, 0.021, 0.02, Outcome.CANNOT_TELL),
        (0.0, 0.0, 0.0, Outcome.PASSED),
    ],
)
def test_what_was_seen_fails_and_what_is_likely_leaves_it_open(value, worst, limit, outcome):
    assert held(value, worst, limit) == outcome


def rate(count: int, n: int, low: float = 0.0, high: float = 1.0) -> dict:
    return {
        "count": count,
        "n": n,
        "share": count / n if n else None,
        "low": low,
        "high": high,
        "is_at_most": bool(n) and not count,
    }


def mode(**more) -> dict:
    difference = {
        "value": 0.01,
        "low": -0.005,
        "high": 0.019,
        "p": 0.4,
        "adjusted_p": 0.4,
        "pairs": 300,
        "baseline_only": 0,
        "run_only": 3,
    }
    return {
        "code": "slow",
        "name": "Slow",
        "severity": "major",
        "source": "check",
        "standing": "cannot_tell",
        "is_hidden": False,
        "pairs_needed": 900,
        "difference": difference,
        "baseline": rate(3, 300),
        "run": rate(6, 300),
        **more,
    }


def test_a_rise_that_the_interval_excludes_is_none():
    wide = mode()["difference"] | {"high": 0.021}

    narrow = judged(parsed("hidden regressions"), {"modes": [mode()]})
    open_ended = judged(parsed("hidden regressions"), {"modes": [mode(difference=wide)]})

    assert [each.outcome for each in narrow] == [Outcome.PASSED]
    assert [each.outcome for each in open_ended] == [Outcome.CANNOT_TELL]
    assert open_ended[0].reason.endswith("It would take about 900 pairs.")


def test_a_new_critical_error_is_never_taken_for_none():
    said = judged(parsed("critical regressions"), {"modes": [mode(severity="critical"), mode(code="other")]})

    assert [(each.subject, each.outcome) for each in said] == [("Slow (by checks)", Outcome.CANNOT_TELL)]
    assert said[0].reason.startswith("3 new on examples that the baseline had right: ")


@pytest.mark.parametrize("rule", ["critical regressions", "hidden regressions"])
def test_where_nothing_could_be_tested_nothing_is_told(rule):
    assert [each.outcome for each in judged(parsed(rule), {"modes": [mode(difference=None)]})] == [Outcome.CANNOT_TELL]
    assert [each.outcome for each in judged(parsed(rule), {"modes": []})] == [Outcome.CANNOT_TELL]


def test_each_source_that_looked_counts_by_itself_unless_one_is_named():
    modes = [mode(), mode(source="people", run=rate(0, 0))]
    both = [mode(), mode(source="people", run=rate(9, 10))]

    assert [each.subject for each in judged(parsed("slow > 50 %"), {"modes": modes})] == ["Slow (by checks)"]
    assert [each.outcome for each in judged(parsed("people: slow > 50 %"), {"modes": modes})] == [Outcome.CANNOT_TELL]
    assert [each.outcome for each in judged(parsed("slow > 50 %"), {"modes": both})] == [
        Outcome.CANNOT_TELL,
        Outcome.FAILED,
    ]


def test_junit_xml_counts_and_survives_every_character():
    every = "".join(map(chr, [*range(0x20, 0x3000), 0xD800, 0xFFFE, 0xFFFF, 0x1F600])) + "\x00\x1b]]>"
    said = [
        Judged("rule", every, Outcome.FAILED, every),
        Judged("rule", "b", Outcome.CANNOT_TELL, "why"),
        Judged("rule", "c", Outcome.PASSED, "fine"),
    ]

    lenient, strict = (ElementTree.fromstring(junit_xml(every, said, is_strict)) for is_strict in (False, True))

    assert [case[0].tag for case in lenient[0]] == ["failure", "skipped", "system-out"]
    assert {name: lenient.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert (strict.get("failures"), strict.get("skipped")) == ("2", "0")
