"""The failure rate of a mode: the share of settled outputs that have the finding."""

from __future__ import annotations

from dataclasses import dataclass

from taxonomy.statistics.intervals import highest_of_none, wilson_score


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` of ``n``; ``share``, ``low`` and ``high`` go from 0 to 1 and are None where nothing was counted."""

    count: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    is_at_most: bool
    """None of ``n`` had it: say “at most ``high``” instead of 0 %."""


def rate_of(count: int, n: int) -> Rate:
    """The share with its 95 % Wilson interval; ValueError unless 0 <= count <= n.

    n = 0: no figure. None of n: from 0 to the upper end of the Clopper-Pearson interval, 1 - 0.025 ** (1 / n).
    The same as SciPy's ``binomtest(count, n).proportion_ci(method="wilson")``, and for none ``method="exact"``.
    """
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share.")
    if n == 0:
        return Rate(0, 0, None, None, None, False)
    if count == 0:
        return Rate(0, n, 0.0, 0.0, highest_of_none(n), True)
    share = count / n
    return Rate(count, n, share, *wilson_score(share, n), False)
