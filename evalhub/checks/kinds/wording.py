"""How a check's sentences quote what a model wrote: short, printable, safe to store.

PostgreSQL stores neither NUL nor a lone surrogate, and a control character must not hide or turn text around.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from unicodedata import category

LONGEST_EXCERPT = 80
LONGEST_LIST = 4


def excerpt(text: str, length: int = LONGEST_EXCERPT) -> str:
    """Return the beginning of ``text`` with everything invisible made visible, and “…” where it was cut."""
    shown = text[:length]
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    return shown if len(text) <= length else shown + "…"


def quote(value: Any, length: int = LONGEST_EXCERPT) -> str:
    """Return a JSON value as a sentence shows it: texts in quotation marks, numbers plain, the rest as short JSON."""
    if isinstance(value, str):
        return f"“{excerpt(value, length)}”"
    if isinstance(value, Decimal):
        return show_number(value)
    return excerpt(json.dumps(value, ensure_ascii=False, default=str), length)


def show_number(number: Decimal) -> str:
    """Return a number as people write it: 18 rather than 18.00 or 1.8E+1; very long and very large ones shortened."""
    if -12 <= number.adjusted() <= 20 and len(number.as_tuple().digits) <= 40:
        text = f"{number:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return excerpt(str(number), 40)


def enumerate_briefly(items: Sequence[str], joint: str = ", ") -> str:
    """Join the first items and say how many more there are."""
    more = len(items) - LONGEST_LIST
    return joint.join(items[:LONGEST_LIST]) + (f"{joint}and {more} more" if more > 0 else "")


def _visible(character: str) -> str:
    if character == "\n":
        return "↵"
    if character < " ":
        return chr(0x2400 + ord(character))  # the Unicode pictures of control characters
    if character.isprintable() or category(character) == "Zs":
        return character
    return "\ufffd" if "\ud800" <= character <= "\udfff" else f"‹U+{ord(character):04X}›"
