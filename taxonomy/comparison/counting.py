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
Scopes: TypeAlias = tuple[tuple[int, frozenset[Hashable]], ...]
"""(repeat, in which scopes it was looked at)."""


class Said(NamedTuple):
    """What an output counts for: in which scopes it was looked at, and what it has. What it has lies in its scopes."""

    scopes: frozenset[Scope]
    has: frozenset[Key]


NOWHERE: frozenset[Scope] = frozenset()


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


def count_pairs(
    groups: Iterable[Group], say: Callable[[Facts], Said], scope_of: Mapping[Key, Scope], over_examples: bool
) -> Counted:
    """Count the groups. ``say`` tells what an answer counts for; ``scope_of`` in which scope each key is counted.

    A pair counts for a key only if both outputs were looked at in its scope. ``over_examples``: the means of examples
    are wanted too.
    """
    counted = Counted()
    known: dict[int, tuple[dict[int, Said], Scopes]] = {}  # by identity: groups share what one run answered

    def said_of(answers: Mapping[int, Facts]) -> tuple[dict[int, Said], Scopes]:
        if (found := known.get(id(answers))) is None:
            said = {repeat: say(facts) for repeat, facts in answers.items()}
            found = said, tuple((repeat, each.scopes) for repeat, each in said.items())
            known[id(answers)] = found
        return found

    sizes: Counter[tuple[str, Scopes, Scopes]] = Counter()
    for group in groups:
        (first, first_scopes), (second, second_scopes) = said_of(group.first), said_of(group.second)
        sizes[group.cluster, first_scopes, second_scopes] += group.examples
        count_outputs(counted, group.examples, first, second, scope_of)
        if over_examples:
            count_examples(counted, group, first, second, scope_of)
    for (cluster, one, two), examples in sizes.items():
        count_scopes(counted, cluster, examples, dict(one), dict(two))
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
    counted: Counted,
    count: int,
    first: Mapping[int, Said],
    second: Mapping[int, Said],
    scope_of: Mapping[Key, Scope],
) -> None:
    for repeat in first.keys() & second.keys():
        one, two = first[repeat], second[repeat]
        if not one.has and not two.has:
            continue
        common = one.scopes & two.scopes
        for key in one.has & two.has:
            if scope_of[key] in common:
                counted.tallies[key].both += count
        for key in one.has - two.has:
            if scope_of[key] in common:
                counted.tallies[key].first_only += count
        for key in two.has - one.has:
            if scope_of[key] in common:
                counted.tallies[key].second_only += count


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
