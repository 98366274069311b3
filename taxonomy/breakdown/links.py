"""The addresses behind the figures: the outputs that each counts, and the breakdown with something else chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from taxonomy.breakdown.counting import UNKNOWN
from taxonomy.breakdown.filters import Filters
from taxonomy.models import Source


@dataclass(frozen=True, slots=True)
class Links:
    """Of one page of a project. ``folded``: keys of the rows whose lower ones are hidden. ``mode``: the type chosen."""

    slug: str
    filters: Filters
    folded: frozenset[int] = frozenset()

    def outputs(self, run: int, **said: Any) -> str:
        """The outputs of a run that a figure counts; ``said`` as in ``counting.NAMES``, without what is None or ""."""
        common = {"as_of": self.filters.as_of, "round": self.filters.round, "tag": self.filters.tag}
        return at("taxonomy:outputs", self.slug, {"run": run, **common, **said})

    def people(self, run: int, outcome: str = "") -> str:
        return self.outputs(run, source=Source.PEOPLE, outcome=outcome)

    def checks(self, run: int) -> str:
        return self.outputs(run, source=Source.CHECK)

    def row(self, run: int, key: int | None, source: str, is_own: bool = False) -> str:
        own = "yes" if is_own else ""
        return self.outputs(run, error_type=UNKNOWN if key is None else key, source=source, own=own)

    def breakdown(self, **changes: Any) -> str:
        return self.page("taxonomy:breakdown", self.filters.but(**changes))

    def fold(self, key: int) -> str:
        """The same page with the row folded, or unfolded where it is."""
        return Links(self.slug, self.filters, self.folded ^ {key}).breakdown()

    def mode(self, key: int | None, trend: int | None = None) -> str:
        pairs = [*self.filters.pairs(), ("mode", key), ("trend", trend)]
        return at("taxonomy:mode", self.slug, pairs)

    def by_checks(self) -> str:
        return self.page("taxonomy:by_checks", self.filters)

    def page(self, name: str, filters: Filters) -> str:
        return at(name, self.slug, [*filters.pairs(), *(("fold", key) for key in sorted(self.folded))])


def at(name: str, slug: str, query: dict[str, Any] | list[tuple[str, Any]]) -> str:
    pairs = query.items() if isinstance(query, dict) else query
    said = urlencode([(key, value) for key, value in pairs if value not in (None, "")])
    return reverse(name, args=[slug]) + (f"?{said}" if said else "")
