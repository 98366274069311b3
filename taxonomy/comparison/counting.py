"""Which outputs of two runs have which errors, pair by pair. Pure: it is handed the groups and what counts where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from taxonomy.comparison.answers import Facts, Groups
from taxonomy.statistics.paired import weight_of_repeats

Key: TypeAlias = Hashable
Scope: TypeAlias = Hashable
Scopes: TypeAlias = tuple[tuple[int, frozenset[Hashable]], ...]
"""(repeat, in which scopes it was looked at)."""


class Said(NamedTuple):
    """What an output counts for: in which scopes it was looked at, and what it has."""

    scopes: frozenset[Scope]
    has: frozenset[Key]


NOWHERE: frozenset[Scope] = frozenset()
ABSENT = Said(NOWHERE, frozenset())


@dataclass(frozen=True, slots=True)
class Means:
    """``examples`` whose repeats have an error in these shares, 0 to 1; ``weight``: by how many repeats they have."""

    first: float
    second: float
    examples: int
    cluster: str
    weight: float


@dataclass
class Scoped:
    """How much was looked at: ``pairs`` of outputs at the same repeat, and examples with outputs of both runs.

    ``alone``: outputs of the first and of the second run whose counterpart was not looked at. ``sizes``: examples by
    cluster ("" for none) and weight.
    """

    pairs: int = 0
    alone: list[int] = field(default_factory=lambda: [0, 0])
    sizes: Counter[tuple[str, float]] = field(default_factory=Counter)

    @property
    def examples(self) -> int:
        return sum(self.sizes.values())


@dataclass
class Tally:
    """Pairs of outputs of which both, only the first or only the second has an error; and the examples with any."""

    both: int = 0
    first_only: int = 0
    second_only: int = 0
    examples: list[Means] = field(default_factory=list)

    def add(self, both: int, first_only: int, second_only: int) -> None:
        self.both += both
        self.first_only += first_only
        self.second_only += second_only


@dataclass
class Counted:
    scopes: dict[Scope, Scoped] = field(default_factory=lambda: defaultdict(Scoped))
    tallies: dict[Key, Tally] = field(default_factory=lambda: defaultdict(Tally))


def count_pairs(
    groups: Groups, say: Callable[[Facts], Said], scope_of: Mapping[Key, Scope], over_examples: bool
) -> Counted:
    """Count the groups. ``say`` tells what an output counts for; ``scope_of`` in which scope each key is counted.

    A pair counts for a key only if both outputs were looked at in its scope. ``over_examples``: the means of examples
    are wanted too.
    """
    counted = Counted()
    said = [{repeat: say(facts) for repeat, facts in answer.items()} for answer in groups.answers]
    looked_at = [tuple((repeat, each.scopes) for repeat, each in answer.items()) for answer in said]
    for (cluster, one, two), examples in groups.counted(looked_at).items():
        count_scopes(counted, cluster, examples, dict(one), dict(two))
    count_outputs(counted, groups, said, scope_of)
    if over_examples:
        for first, second, examples, cluster in groups:
            count_examples(counted, examples, cluster, said[first], said[second], scope_of)
    return counted


def count_scopes(
    counted: Counted,
    cluster: str,
    examples: int,
    first: Mapping[int, frozenset[Scope]],
    second: Mapping[int, frozenset[Scope]],
) -> None:
    """``first`` and ``second``: in which scopes each repeat was looked at."""
    for repeat in first.keys() | second.keys():
        one, two = first.get(repeat, NOWHERE), second.get(repeat, NOWHERE)
        for scope in one & two:
            counted.scopes[scope].pairs += examples
        for scope in one ^ two:
            counted.scopes[scope].alone[scope in two] += examples
    ones, twos = repeats_in(first.values()), repeats_in(second.values())
    for scope in ones.keys() & twos.keys():
        counted.scopes[scope].sizes[cluster, weight_of_repeats(ones[scope], twos[scope])] += examples


def repeats_in(answers: Collection[frozenset[Scope]]) -> Counter[Scope]:
    """How many repeats were looked at in each scope."""
    return Counter(scope for scopes in answers for scope in scopes)


def count_outputs(
    counted: Counted, groups: Groups, said: Sequence[Mapping[int, Said]], scope_of: Mapping[Key, Scope]
) -> None:
    """Each key's pairs, as products of what answers have with how often the two answers met."""
    import numpy as np  # both here, for their import takes long
    from scipy.sparse import coo_array

    keys = sorted({key for answer in said for each in answer.values() for key in each.has}, key=str)
    size = len(said)
    met = coo_array((np.array(groups.examples, float), (groups.first, groups.second)), (size, size)).tocsr()
    for repeat in {repeat for answer in said for repeat in answer}:
        there = [answer.get(repeat, ABSENT) for answer in said]
        looked_at = np.array([[scope_of[key] in each.scopes for key in keys] for each in there], float)
        # What was found where nobody looks any more, as by a check that was retired, does not count.
        has = np.array([[key in each.has for key in keys] for each in there], float) * looked_at
        both = (has * (met @ has)).sum(axis=0)
        first = (has * (met @ looked_at)).sum(axis=0) - both
        second = (looked_at * (met @ has)).sum(axis=0) - both
        for key, *counts in zip(keys, both, first, second, strict=True):
            if any(counts):
                counted.tallies[key].add(*map(int, counts))


def count_examples(
    counted: Counted,
    examples: int,
    cluster: str,
    first: Mapping[int, Said],
    second: Mapping[int, Said],
    scope_of: Mapping[Key, Scope],
) -> None:
    """Every repeat of an example counts in its mean, whether or not the other run has one of the same number."""
    for key in frozenset[Key]().union(*(said.has for said in (*first.values(), *second.values()))):
        one, two = (
            [key in said.has for said in answers.values() if scope_of[key] in said.scopes]
            for answers in (first, second)
        )
        if one and two:
            weight = weight_of_repeats(len(one), len(two))
            means = Means(sum(one) / len(one), sum(two) / len(two), examples, cluster, weight)
            counted.tallies[key].examples.append(means)
