"""Which outputs of two runs have which errors, pair by pair. Pure: it is handed the groups and what counts where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from taxonomy.comparison.answers import Facts, Group
from taxonomy.statistics.paired import weight_of_repeats

Key: TypeAlias = Hashable
Scope: TypeAlias = Hashable


class Said(NamedTuple):
    """What an output counts for: in which scopes it was looked at, and what it has. What it has lies in its scopes."""

    scopes: frozenset[Scope]
    has: frozenset[Key]


NOTHING = Said(frozenset(), frozenset())


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


@dataclass
class Counted:
    scopes: dict[Scope, Scoped] = field(default_factory=lambda: defaultdict(Scoped))
    tallies: dict[Key, Tally] = field(default_factory=lambda: defaultdict(Tally))


def count_pairs(groups: Iterable[Group], say: Callable[[Facts], Said], scope_of: Mapping[Key, Scope]) -> Counted:
    """Count the groups. ``say`` tells what an answer counts for; ``scope_of`` in which scope each key is counted.

    A pair counts for a key only if both outputs were looked at in its scope.
    """
    counted = Counted()
    known: dict[Facts, Said] = {}

    def said_of(answers: Mapping[int, Facts]) -> dict[int, Said]:
        for answer in answers.values():
            if answer not in known:
                known[answer] = say(answer)
        return {repeat: known[answer] for repeat, answer in answers.items()}

    for group in groups:
        first, second = said_of(group.first), said_of(group.second)
        count_scopes(counted, group, first, second)
        count_outputs(counted, group.examples, first, second, scope_of)
        count_examples(counted, group, first, second, scope_of)
    return counted


def count_scopes(counted: Counted, group: Group, first: Mapping[int, Said], second: Mapping[int, Said]) -> None:
    for repeat in first.keys() | second.keys():
        one, two = first.get(repeat, NOTHING).scopes, second.get(repeat, NOTHING).scopes
        for scope in one & two:
            counted.scopes[scope].pairs += group.examples
        for scope in one ^ two:
            counted.scopes[scope].alone[scope in two] += group.examples
    ones, twos = repeats_in(first.values()), repeats_in(second.values())
    for scope in ones.keys() & twos.keys():
        counted.scopes[scope].sizes[group.cluster, weight_of_repeats(ones[scope], twos[scope])] += group.examples


def repeats_in(answers: Collection[Said]) -> Counter[Scope]:
    """How many repeats were looked at in each scope."""
    return Counter(scope for said in answers for scope in said.scopes)


def count_outputs(
    counted: Counted,
    count: int,
    first: Mapping[int, Said],
    second: Mapping[int, Said],
    scope_of: Mapping[Key, Scope],
) -> None:
    for repeat in first.keys() & second.keys():
        one, two = first[repeat], second[repeat]
        common = one.scopes & two.scopes
        for key in one.has | two.has:
            if scope_of[key] in common:
                tally = counted.tallies[key]
                if key not in two.has:
                    tally.first_only += count
                elif key in one.has:
                    tally.both += count
                else:
                    tally.second_only += count


def count_examples(
    counted: Counted,
    group: Group,
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
            means = Means(sum(one) / len(one), sum(two) / len(two), group.examples, group.cluster, weight)
            counted.tallies[key].examples.append(means)
