"""Draws from the pool: without duplicates, with their probabilities, the same for the same seed."""

from collections import Counter

import orjson
import pytest

from evalhub.evalsets.allocation import draw_number
from evalhub.evalsets.drawing import Plan, begin_draw, fill_draw, outline, plan_from_json
from evalhub.evalsets.models import Example, ProductionSample
from evalhub.evalsets.pool import PoolFilter
from evalhub.evalsets.publishing import ask_for_publication
from evalhub.evalsets.sampled_examples import answer_as_expected
from evalhub.evalsets.versions import VersionError
from tests.evalsets.uploading import make_eval_set, pool_of, sample_row, version_of


@pytest.fixture
def client(client_of, admin):
    return client_of(admin)


@pytest.fixture
def eval_set(project):
    return make_eval_set(project)


@pytest.fixture
def pool(client, project):
    """60 distinct requests: 40 by model a, 20 by model b; the first 10 were asked twice."""
    rows = [sample_row(n, model="a" if n < 40 else "b", region=f"r{n % 3}", tags=[f"t{n % 2}"]) for n in range(60)]
    rows += [{**row, "id": f"again-{row['id']}"} for row in rows[:10]]
    pool_of(project, rows)
    return ProductionSample.objects.in_pool(project)


def draw(eval_set, user, **plan):
    version = begin_draw(eval_set, Plan(**({"size": 12, "seed": "7"} | plan)), user)
    fill_draw(version.pk)
    version.refresh_from_db()
    return version


def questions(version):
    return [example.request["messages"][0]["content"] for example in version.examples.all()]


def test_a_random_draw_has_no_request_twice_and_all_the_same_chance(pool, eval_set, admin):
    version = draw(eval_set, admin, size=60)

    assert (version.state, version.example_count, version.number) == ("draft", 60, 1)
    assert len(set(questions(version))) == 60
    assert set(version.examples.values_list("inclusion_probability", flat=True)) == {1.0}
    assert version.drawing["samples"] == 70
    assert version.drawing["distinct_requests"] == 60


def test_the_newest_of_equal_samples_stands_for_all(pool, eval_set, admin):
    version = draw(eval_set, admin, size=60)

    keys = set(version.examples.values_list("key", flat=True))
    assert keys == {f"again-s{n}" for n in range(10)} | {f"s{n}" for n in range(10, 60)}


def test_the_same_seed_and_pool_give_the_same_draw(pool, eval_set, admin, project):
    first = draw(eval_set, admin)
    second = draw(make_eval_set(project, "Another"), admin)
    other = draw(eval_set, admin, seed="8")

    assert questions(first) == questions(second)
    assert questions(first) != questions(other)
    # Content alone decides: published, both have one hash.
    hashes = [ask_for_publication(version, admin).content_hash for version in (first, second)]
    assert hashes[0] == hashes[1]


def test_the_database_orders_as_the_pure_function_does(pool, eval_set, admin):
    version = draw(eval_set, admin, size=5, seed="é 1")

    digests = {bytes(digest) for digest in pool.values_list("digest", flat=True)}
    expected = sorted(digests, key=lambda digest: draw_number("é 1", digest))[:5]
    assert [bytes(example.sample.digest) for example in version.examples.all()] == expected


def test_a_draw_in_proportion_keeps_the_shares(pool, eval_set, admin):
    version = draw(eval_set, admin, by="model")

    drawn = Counter(version.examples.values_list("sample__model", "inclusion_probability"))
    assert drawn == {("a", 0.2): 8, ("b", 0.2): 4}
    assert version.drawing["strata"] == [
        {"value": "a", "available": 40, "drawn": 8, "probability": 0.2},
        {"value": "b", "available": 20, "drawn": 4, "probability": 0.2},
    ]


def test_equal_shares_give_the_rare_value_a_better_chance(pool, eval_set, admin):
    version = draw(eval_set, admin, by="model", allocation="equal")

    drawn = Counter(version.examples.values_list("sample__model", "inclusion_probability"))
    assert drawn == {("a", 0.15): 6, ("b", 0.3): 6}


@pytest.mark.parametrize(
    ("by", "metadata_field", "sizes"),
    [
        ("metadata", "region", {"r0": 20, "r1": 20, "r2": 20}),
        ("tag", "", {"t0": 30, "t1": 30}),
        ("cluster", "", {"": 60}),
    ],
)
def test_strata_come_from_metadata_tags_and_clusters(by, metadata_field, sizes, pool, eval_set):
    found = outline(eval_set, Plan(size=12, seed="7", by=by, metadata_field=metadata_field))

    assert {stratum.value: stratum.available for stratum in found.strata} == sizes
    assert found.drawn == 12


def test_a_name_of_a_field_is_a_value_and_never_sql(pool, eval_set):
    found = outline(eval_set, Plan(size=1, seed="7", by="metadata", metadata_field="region' OR '1'='1 %s {pool}"))

    assert [(stratum.value, stratum.available) for stratum in found.strata] == [("", 60)]


def test_a_part_of_the_pool_is_drawn_from_alone(pool, eval_set, admin):
    version = draw(eval_set, admin, size=50, part=PoolFilter(model="b", field="region", text="r1"))

    assert set(version.examples.values_list("sample__model", flat=True)) == {"b"}
    assert version.example_count == 7  # of 40..59 every third: 40, 43, 46, 49, 52, 55, 58
    assert version.drawing["filter"] == {"model": "b", "field": "region", "text": "r1"}
    assert plan_from_json(version.drawing).part == PoolFilter(model="b", field="region", text="r1")


def test_requests_that_the_eval_set_has_are_left_out_on_demand(pool, eval_set, admin, client):
    version_of(eval_set, [{"input": "Question 1"}, {"input": "Question 2"}])

    version = draw(eval_set, admin, size=100, only_new=True)

    assert set(questions(version)) == {f"Question {n}" for n in range(60)} - {"Question 1", "Question 2"}
    assert version.drawing["distinct_requests"] == 58
    with pytest.raises(VersionError, match="nothing to draw from"):
        draw(eval_set, admin, only_new=True)


def test_expected_is_empty_unless_production_answers_are_wanted(pool, eval_set, admin):
    plain, taken = draw(eval_set, admin), draw(eval_set, admin, answers_as_expected=True)

    assert set(plain.examples.values_list("expected_kind", flat=True)) == {""}
    assert [(e.expected_kind, e.expected) for e in taken.examples.all()] == [
        ("text", question.replace("Question", "Answer")) for question in questions(taken)
    ]


def test_tags_cluster_and_metadata_come_along(client, project, eval_set, admin):
    pool_of(project, [sample_row(1, tags=["x", "y"], customer_id="c9", plan="gold")])

    example = draw(eval_set, admin).examples.get()

    assert (example.key, example.tags, example.cluster, example.metadata) == ("s1", ["x", "y"], "c9", {"plan": "gold"})


def test_two_uploads_may_have_used_the_same_ids(client, project, eval_set, admin):
    for number in (1, 2):
        pool_of(project, [{"input": f"Question {number}"}])

    version = draw(eval_set, admin)

    keys = sorted(version.examples.values_list("key", flat=True))
    assert keys[0] == "row-000001"
    assert keys[1].startswith("row-000001-")


def test_later_uploads_change_nothing_in_a_draw_that_waits(pool, eval_set, admin, client, project):
    version = begin_draw(eval_set, Plan(size=60, seed="7"), admin)
    pool_of(project, [sample_row(900)])

    fill_draw(version.pk)
    fill_draw(version.pk)

    assert "Question 900" not in questions(version)
    assert version.examples.count() == 60


def test_a_field_of_too_many_values_is_refused(pool, eval_set, monkeypatch):
    monkeypatch.setattr("evalhub.evalsets.drawing.MOST_STRATA", 2)

    with pytest.raises(VersionError, match="more than 2 values"):
        outline(eval_set, Plan(size=5, seed="7", by="metadata", metadata_field="region"))


def test_another_projects_samples_are_never_drawn(pool, stranger, admin):
    elsewhere = stranger.memberships.get().project
    other = make_eval_set(elsewhere)

    with pytest.raises(VersionError, match="nothing to draw from"):
        begin_draw(other, Plan(size=5, seed="7"), admin)
    assert not Example.objects.exists()


@pytest.mark.parametrize(
    ("answer", "calls", "expected"),
    [
        ("Yes.", [], ("text", "Yes.")),
        (' {"a": [1, 2.50]} ', [], ("json", {"a": [1, 2.5]})),
        ("[not json", [], ("text", "[not json")),
        ("  ", [], ("", None)),
        (
            "",
            [{"id": "1", "name": "f", "arguments": '{"x": 1, "y": ["a"]}'}],
            ("tool_calls", [{"name": "f", "arguments": {"x": [1], "y": [["a"]]}, "optional": []}]),
        ),
        (
            "",
            [{"id": "1", "name": "f", "arguments": ""}],
            ("tool_calls", [{"name": "f", "arguments": {}, "optional": []}]),
        ),
        ("", [{"id": "1", "name": "f", "arguments": "{broken"}], ("", None)),
    ],
)
def test_what_production_answered_becomes_an_expected_output(answer, calls, expected):
    kind, value = answer_as_expected(answer, calls)

    assert (kind, None if value is None else orjson.loads(value)) == expected
