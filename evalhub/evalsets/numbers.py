"""Numbers as people and models write them.

How digits that are joined by separators are read, in the order in which the rules are tried:

====================  ===========  ==============================================================================
written               read as      rule
====================  ===========  ==============================================================================
``12.345``            12.345       a single dot is a decimal point, whatever follows it
``1,234`` ``1,234.5`` 1234(.5)     groups of exactly three after a comma are thousands, as in English
``12,34,567``         1234567      Indian groups: twos, then a three
``1.234,5``           1234.5       dot groups before a comma: European
``1.234.567``         1234567      two or more dot groups: European
``1'234`` ``1 234,5`` 1234(.5)     groups of three behind an apostrophe, a space or an underscore
``1,5`` ``0,123``     1.5, 0.123   a single comma that cannot be a thousands separator is a decimal comma
``1,2,3`` ``1.2.3``   1, 2, 3      anything else is several numbers: a list, a date, a version
====================  ===========  ==============================================================================

So the ambiguous ``1,234`` is 1234, never 1.234, and ``12.345`` is 12.345, never 12345.

A minus (``-``, ``−``, ``–``) counts only where nothing is glued in front of it: ``3-4`` and ``2024-01-31`` hold no
negative number. Digits glued to a word (``x5``, ``A-1234``, ``id_7``) are part of a name and are not read, though
``USD100`` is. What stands behind is let be (``5kg``, ``18th``; ``7%`` is 7). Words that multiply ("5 million") and
fractions ("1/2" holds 1 and 2) are not calculated; powers of ten (``1e5``, ``1.5 × 10^5``) are.
"""

import re
from decimal import Decimal

from evalhub.errors import EvalHubError

LONGEST_TEXT = 200_000
"""Characters. Of a longer text only this many at its end are read, where an answer stands."""

SHOWN_LENGTH = 60
CURRENCY = "$€£¥₹₩₽₺₫₪฿¢"
MINUS = "-\u2212\u2013\ufe63\uff0d"  # hyphen-minus, minus sign, en dash, small and full-width hyphen-minus
HYPHENS = "-\u2010\u2011"  # what joins "A-1234" into one name
MARKS = "_'\u2019 \u00a0\u2009\u202f"  # besides comma and dot, what separates groups of three
NOT_BEFORE_A_MINUS = ")]}%_" + MINUS  # behind these a minus subtracts, or draws a line

# Repetition is possessive (*+, ++) so that every pattern is linear. The first item is a plain set of characters, which
# lets the engine skip other text quickly. A leading dot is a decimal point only where no word stands before it.
TOKEN = re.compile(
    rf"(?P<digits>[.\d](?:(?<=\d)|(?<![\w.)\]]\.)(?=\d))\d*+(?:[.,{MARKS}]\d++)*+)"
    r"(?:[eE](?P<e>[-+\u2212]?\d{1,3})(?!\w)"
    r"|\s?(?:[x×*·]|\\times|\\cdot)\s?10"
    r"(?:\^\{?(?P<power>[-+\u2212]?\d{1,3})|(?P<raised>\u207b?[\u2070¹²³\u2074-\u2079]{1,3})))?+"
)
PLAIN = re.compile(r"\d++(?:\.\d++)?+|\.\d++")
COMMA_GROUPS = re.compile(r"(?!0)(?:\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?=,))++,\d{3})(?:\.\d++)?")
DOT_GROUPS = re.compile(r"(?!0)\d{1,3}(?:(?:\.\d{3})++,\d++|(?:\.\d{3}){2,}+)")
OTHER_GROUPS = re.compile(rf"(?!0)\d{{1,3}}(?P<mark>[{MARKS}])\d{{3}}(?:(?P=mark)\d{{3}})*+(?:[.,]\d++)?")
DECIMAL_COMMA = re.compile(r"\d++,\d++")
ANY_MARK = re.compile(rf"[{MARKS}]")
POWER_SIGNS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
CURRENCY_CODE = re.compile(r"(?<![^\W_])(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|BRL|Rs)\Z")


class NotOneNumber(EvalHubError, ValueError):
    """The text does not hold exactly one number."""


def find_numbers(text: str) -> list[Decimal]:
    """Return every number in ``text``, in order, by the rules above. Linear in the length of the text."""
    text = _prepare(text)
    return [number for token in TOKEN.finditer(text) for number in _read_token(text, token)]


def find_last_number(text: str) -> Decimal | None:
    """Return the last number in ``text``, None if there is none; several times faster than ``find_numbers``."""
    text = _prepare(text)
    for token in reversed(list(TOKEN.finditer(text))):
        if numbers := _read_token(text, token):
            return numbers[-1]
    return None


def read_number(text: str) -> Decimal:
    """Return the only number in ``text`` ("# 18", "$1,200", "18").

    Raises NotOneNumber, with a sentence for a person, when there is none or more than one.
    """
    numbers = find_numbers(text)
    if len(numbers) == 1:
        return numbers[0]
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:SHOWN_LENGTH])
    held = f"{len(numbers)} numbers" if numbers else "no number"
    more = "…" if len(text) > SHOWN_LENGTH else ""
    raise NotOneNumber(f"“{shown}{more}” holds {held}. Write exactly one, such as 18 or 1,200.50.")


def _prepare(text: str) -> str:
    text = text[-LONGEST_TEXT:].replace("{,}", ",")  # "1{,}234" is how LaTeX writes 1,234
    return text if text.isascii() else text.replace("\u066b", ".").replace("\u066c", "'")  # Arabic separators


def _sign_before(text: str, start: int) -> str | None:
    """Return "" or "-" for the number that begins at ``start``; None when its digits are part of a word."""
    at = start - 1
    if at < 0:
        return ""
    before = text[at]
    if before.isalnum() or before == "_":
        return "" if CURRENCY_CODE.search(text, max(0, start - 5), start) else None
    if before in MARKS and at and text[at - 1] in CURRENCY:
        at -= 1
    is_money = text[at] in CURRENCY
    at -= is_money
    if at < 0:
        return ""
    mark, earlier = text[at], text[at - 1] if at else " "
    if mark in HYPHENS and earlier.isalpha() and not is_money:
        return None
    is_price = earlier in CURRENCY and text[at - 2 : at - 1].isdigit()  # "5€-10"
    subtracts = earlier.isalnum() or earlier in NOT_BEFORE_A_MINUS or is_price
    return "-" if mark in MINUS and not subtracts else ""


def _read_token(text: str, token: re.Match[str]) -> list[Decimal]:
    """Return the numbers in one token; the sign belongs to the first of them, a power of ten to the last."""
    sign = _sign_before(text, token.start())
    if sign is None:
        return []
    pieces = _split_into_numbers(token["digits"])
    pieces[0] = sign + pieces[0]
    power = token["e"] or token["power"] or token["raised"]
    if power is not None:
        pieces[-1] += "E" + power.translate(POWER_SIGNS)
    return [Decimal(piece) for piece in pieces]


def _split_into_numbers(digits: str) -> list[str]:
    """Return the numbers in digits joined by separators, each spelled as Decimal reads it, by the table above."""
    if PLAIN.fullmatch(digits):
        return [digits]
    if COMMA_GROUPS.fullmatch(digits):
        return [digits.replace(",", "")]
    if DOT_GROUPS.fullmatch(digits):
        return [digits.replace(".", "").replace(",", ".")]
    if OTHER_GROUPS.fullmatch(digits):
        return [ANY_MARK.sub("", digits).replace(",", ".")]
    if DECIMAL_COMMA.fullmatch(digits):
        return [digits.replace(",", ".")]
    pieces = ANY_MARK.split(digits)
    if len(pieces) == 1:
        pieces = digits.split("," if "," in digits else ".")
    return [number for piece in pieces if piece for number in _split_into_numbers(piece)]
