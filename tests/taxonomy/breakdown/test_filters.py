"""What a breakdown is about, from a query string and back."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.breakdown.filters import Estimated, FilterError, Filters, ListsOfOne, Sources

keys = st.integers(0, 10**18 - 1)
some_keys = st.lists(keys, max_size=5).map(lambda found: tuple(sorted(set(found))))
tags = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
filters = st.builds(
    Filters,
    version=st.none() | keys,
    runs=some_keys,
    candidates=some_keys,
    round=st.none() | keys,
    as_of=st.none() | keys,
    source=st.sampled_from(Sources),
    estimate=st.sampled_from(Estimated),
    tag=tags,
)


@given(filters)
def test_what_is_written_is_read_as_the_same(found):
    assert Filters.parsed(QueryDict(found.query)) == found


def test_equal_filters_have_one_spelling_without_what_says_nothing():
    asked = "estimate=reviewed&tag=&run=9&run=3&run=9&source=both&version=5&round=&shape=odd&fold=1"

    assert Filters.parsed(QueryDict(asked)).query == "version=5&run=3&run=9"


def test_nothing_asked_is_everything():
    assert Filters.parsed(QueryDict("")) == Filters()
    assert Filters().query == ""


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("version=x", "version"),
        ("version=1%27+OR+1%3D1", "version"),
        ("run=1&run=-2", "run"),
        ("candidate=1.5", "candidate"),
        ("round=%D9%A3", "round"),  # an Arabic digit
        ("as_of=" + "9" * 19, "as_of"),
        ("source=judge", "source"),
        ("estimate=everything", "estimate"),
        ("tag=" + "x" * 201, "tag"),
        ("tag=a%00b", "tag"),
        ("&".join(f"run={number}" for number in range(101)), "run"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(query, named):
    with pytest.raises(FilterError, match=f"“{named}”"):
        Filters.parsed(QueryDict(query))


def test_a_plain_mapping_serves_as_a_query_string():
    given = ListsOfOne({"run": ["4", "2"], "tag": "vip", "source": "check"})

    assert Filters.parsed(given) == Filters(runs=(2, 4), tag="vip", source=Sources.CHECK)


@given(filters)
def test_sources_are_shown_side_by_side_or_alone(found):
    assert [str(source) for source in found.sources] == (
        ["people", "check"] if found.source == Sources.BOTH else [str(found.source)]
    )
