"""Order numbers, sums of money and addresses in a text, by regular expression."""

import re
from dataclasses import dataclass

STRICT_ORDER = re.compile(r"\bTT[- ](\d{6})(?!\d)")
LOOSE_ORDER = re.compile(r"\bT\s?T[\s-]*((?:\d\s?){5}\d)(?!\d)", re.I)
BARE_ORDER = re.compile(r"(?<![\w.,#-])[3-5]\d{5}(?![\d.,]\d|\d|-\w)")

NUMBER = r"\d{1,3}(?:[.,' \u00a0]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
CURRENCY = r"€|£|\$|eur(?:os?)?\b|gbp\b|chf\b|pounds?\b|quid\b|zł|zloty|kr\b|\.-"
MONEY = re.compile(
    rf"(?:£|€|\$|\bEUR|\bGBP|\bCHF)\s?(?P<after>{NUMBER})"
    rf"|(?<![\w.,-])(?P<before>{NUMBER})(?:\s?(?:{CURRENCY}))"
    r"|(?<![\w.,:-])(?P<bare>\d+[.,]\d{2})(?![\w.,:]\d|\d|\s?(?:km|kg|mm|m\b|%|Uhr|h\b|\d))",
    re.I,
)


@dataclass(frozen=True)
class Sum:
    """A sum of money and where in the text it stands."""

    value: float
    start: int
    end: int


def strict_order_ids(text: str) -> list[str]:
    """Order numbers written exactly as the shop prints them."""
    return [f"TT-{digits}" for digits in STRICT_ORDER.findall(text)]


def loose_order_ids(text: str) -> list[str]:
    """Order numbers in any spelling (``tt 511 102``, ``TT513400``), else six digits that look like one; in order."""
    spelled = [re.sub(r"\s", "", digits) for digits in LOOSE_ORDER.findall(text)]
    found = spelled or BARE_ORDER.findall(text)
    return [f"TT-{digits}" for digits in dict.fromkeys(found)]


def sums_of_money(text: str) -> list[Sum]:
    """Every sum of money in the text, in order, whatever the currency."""
    found = []
    for match in MONEY.finditer(text):
        written = match["after"] or match["before"] or match["bare"]
        found.append(Sum(read_number(written), match.start(), match.end()))
    return found


def read_number(written: str) -> float:
    """The value of ``1.899,00``, ``1,899.00``, ``1'184.00``, ``42,50`` or ``64``; whole ones as integers."""
    digits = re.sub(r"[' \u00a0]", "", written)
    if re.search(r"[.,]\d{1,2}$", digits):
        whole, cents = re.split(r"[.,](?=\d{1,2}$)", digits)
        digits = re.sub(r"[.,]", "", whole) + "." + cents
    else:
        digits = re.sub(r"[.,]", "", digits)
    value = float(digits)
    return int(value) if value == int(value) else value


@dataclass(frozen=True)
class Address:
    """A postal address as a tool wants it."""

    street: str
    postal_code: str
    city: str


POSTAL_CODE = re.compile(
    r"\b(?P<code>[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{4}-\d{3}|\d{2}-\d{3}|\d{5}|\d{4} ?[A-Z]{2})\b", re.I
)
HOUSE_NUMBER = r"\d{1,4}(?:[a-z]|/\d+)?\b"
STREET_WORD = r"[^\W\d_][\w'.-]*"
FLAT = re.compile(rf"\bflat \d+,? {HOUSE_NUMBER}(?: {STREET_WORD}){{1,3}}", re.I)  # Flat 9, 22 Tanner Street
STREET = re.compile(
    rf"{HOUSE_NUMBER},?(?: {STREET_WORD}){{2,4}}"  # 6 rue des Tanneurs
    rf"|{STREET_WORD}(?: {STREET_WORD}){{0,2}} {HOUSE_NUMBER}(?!,? {STREET_WORD})",  # Süderstraße 41
    re.I,
)


def find_address(text: str) -> Address | None:
    """The last whole address in the text (street with number, postal code, town), or None if a piece is missing."""
    code = next(iter(reversed(list(POSTAL_CODE.finditer(text)))), None)
    if code is None:
        return None
    town_after = re.match(r"[ ,]*([A-ZÀ-Ž][\w-]+|[a-zß-ž][\w-]+)", text[code.end() :])
    town_before = re.search(r"([A-ZÀ-Ž][\w-]+)[ ,]*$", text[: code.start()])
    british = code["code"][0].isalpha()
    town = town_before if british else town_after
    line = _street_line(text, code.start(), town_before[1] if british and town_before else "")
    if town is None or line is None:
        return None
    return Address(street=line, postal_code=code["code"], city=town[1][0].upper() + town[1][1:])


def _street_line(text: str, end: int, town: str) -> str | None:
    head = text[:end].rstrip(" ,\n")
    head = head[: -len(town)].rstrip(" ,\n") if town and head.endswith(town) else head
    matches = FLAT.findall(head) or [match[0] for match in STREET.finditer(head)]
    return matches[-1].strip(" ,\n") if matches else None
