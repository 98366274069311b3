"""When two texts count as the same: normalisation, in linear time on any text."""

import re
import unicodedata
from collections.abc import Callable

LONGEST_STACK = 64  # combining characters in a row; normalising a longer run takes time that grows with its square
SHORT_TEXT = 2_000  # characters; up to here the worst run costs 3 ms, and looking for one costs more than it saves

MARK = re.compile(r"[^\w\s]|_")
WHITE_SPACE = re.compile(r"\s+")
STACK = re.compile(rb"[^\0]{%d}" % LONGEST_STACK, re.DOTALL)
SPACE_IN_NUMBER = re.compile(r"(\d) (?=\d)")

Normaliser = Callable[[str], str]


def text_normaliser(*, characters: bool, case: bool, punctuation: bool, white_space: bool) -> Normaliser:
    """Return a function that removes the named differences between texts.

    ``characters``: Unicode NFKC (full-width letters, ligatures, composed accents). ``punctuation``: dashes, slashes and
    what stands between two digits become spaces, so that 1.5 is not 15; a minus before a number stays; other
    punctuation goes; symbols (+ $ <) stay. ``white_space``: runs become one space, none at the ends.
    """
    steps: list[Normaliser] = []
    if characters:
        steps.append(_unify_characters)
    if case:
        steps.append(str.casefold)
    if punctuation:
        steps.append(_remove_punctuation)
    if white_space:
        steps.append(_collapse_white_space)

    def normalise(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return normalise


def loose_form(text: str) -> str:
    """Return a text without case, punctuation and spacing: "interest_rates" and "Interest rates" agree.

    A space between two digits stays, so that "1 5", "1.5" and "1-5" do not become "15". A text of punctuation only is
    its own form: "-" is not "/".
    """
    text = text.casefold()
    words = _collapse_white_space(_remove_punctuation(text))
    return SPACE_IN_NUMBER.sub(r"\1\t", words).replace(" ", "") or text


def _unify_characters(text: str) -> str:
    if text.isascii() or (len(text) > SHORT_TEXT and STACK.search(bytes(map(unicodedata.combining, text)))):
        return text
    return unicodedata.normalize("NFKC", text)


def _collapse_white_space(text: str) -> str:
    return " ".join(text.split())


def _remove_punctuation(text: str) -> str:
    return MARK.sub(_replace_mark, text)


def _replace_mark(match: re.Match[str]) -> str:
    mark, text, at = match[0], match.string, match.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if mark in ".,;:!?'" and not after.isdigit():  # nearly all of them
        return ""
    category = unicodedata.category(mark)
    if category[0] != "P":
        return mark
    if mark == "-" and after.isdigit() and not before.isalnum():
        return mark
    is_gap = category in ("Pd", "Pc") or mark in "/\\" or (before.isdigit() and after.isdigit())
    return " " if is_gap else ""
