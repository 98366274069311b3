"""What hypothesis makes up: counts that are possible."""

from __future__ import annotations

from hypothesis import strategies as st

from taxonomy.statistics.alarms import PairCounts
from taxonomy.statistics.weighting import Group

shares = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
pairs = st.builds(PairCounts, *[st.integers(0, 400)] * 4).filter(lambda counts: counts.n)
p_values = st.lists(st.floats(0, 1), max_size=30)
groups = st.lists(
    st.tuples(st.floats(0.01, 1), st.integers(1, 300), st.floats(0, 1)).map(
        lambda drawn: Group(drawn[0], drawn[1], round(drawn[1] * drawn[2]))
    ),
    min_size=1,
    max_size=5,
)
clusters = st.lists(
    st.integers(1, 20).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40
)
