"""How sure a share is. Pure: counts in, bounds out."""

from __future__ import annotations

from functools import lru_cache

CONFIDENCE = 0.95


def wilson(passed: int, n: int) -> tuple[float, float] | None:
    """The 95 % Wilson score interval of ``passed`` of ``n``, as shares from 0 to 1; None if nothing was counted.

    SciPy's ``binomtest(passed, n).proportion_ci(method="wilson")``. Raises ValueError unless 0 <= passed <= n.
    """
    return interval(passed, n, "wilson") if n else None


def upper_bound(n: int) -> float | None:
    """With 0 of ``n``, the share is at most this, from 0 to 1; None if nothing was counted.

    The upper end of the 95 % Clopper-Pearson interval, 1 - 0.025 ** (1 / n). Two-sided like ``wilson``, so that a
    figure of 0 of n can be held against one of 1 of n.
    """
    return interval(0, n, "exact")[1] if n else None


@lru_cache(4096)  # 0.4 ms each, and a page asks several times for the same
def interval(count: int, n: int, method: str) -> tuple[float, float]:
    from scipy.stats import binomtest  # here, for the import takes 0.6 s

    bounds = binomtest(count, n).proportion_ci(CONFIDENCE, method=method)
    return float(bounds.low), float(bounds.high)
