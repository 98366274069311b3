"""JSON values: finding one by its path, and comparing two as people would."""

from collections.abc import Callable
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final


class _Missing:
    """The type of MISSING, which tells "not there" from null."""


MISSING: Final = _Missing()


def look_up(value: Any, path: str) -> Any:
    """Return what stands at a dotted path ("order.items.0.id"; numbers count list entries from 0), or MISSING.

    A key that has dots in it is found where it ends the path.
    """
    parts = path.split(".")
    for index, part in enumerate(parts):
        if isinstance(value, dict):
            rest = ".".join(parts[index:])
            if rest in value:
                return value[rest]
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and len(part) < 10:
            value = value[int(part)] if int(part) < len(value) else MISSING
        else:
            return MISSING
    return value


def comparable(value: Any, *, text: Callable[[str], str] | None = None, ignore_order: bool = False) -> Any:
    """Return a plain form of a JSON value: two values mean the same exactly when their forms are equal.

    Numbers compare by value (40 and 40.0 are one), true and 1 are different, the order of an object's fields does not
    count. Texts compare by what ``text`` makes of them (``str.casefold`` ignores case), names of fields exactly.
    Raises RecursionError on nesting that is too deep.
    """
    if isinstance(value, str):
        return text(value) if text else value
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        fields = [(name, comparable(item, text=text, ignore_order=ignore_order)) for name, item in value.items()]
        return ("object", *sorted(fields, key=itemgetter(0)))
    if isinstance(value, list | tuple):
        items = [comparable(item, text=text, ignore_order=ignore_order) for item in value]
        return ("list", *(sorted(items, key=repr) if ignore_order and len(items) > 1 else items))
    return value


def to_decimal(value: Any) -> Decimal | None:
    """Return a JSON number exactly as it is written (0.1, not the double beside it); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None
