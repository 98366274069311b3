"""One text as it stands on the desk: prose, JSON in parts that fold, or broken JSON with the place marked."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape

from evalhub.checks.kinds.json_text import FoundJson, Where, find_json
from reviews.reading.json_lines import json_pieces

MAIN_CHARACTERS = 5_000
"""Of a text that is to be read: some 800 words, and few enough for a page of 60 KB."""
FOLDED_CHARACTERS = 3_000
"""Of a text that stands folded."""
LONGER_AS_TREE = 1.6
"""Times as long as other texts may JSON be, as what is long in it stands closed."""
LONGEST_TREE = 200_000
"""Characters of JSON; longer ones are shown as they were sent."""
AROUND_A_FAULT = 300
LONGEST_MARK = 12

# Braces, or brackets around what JSON would hold: “[1] The source says” is prose.
LOOKS_LIKE_JSON = re.compile(r"\s*(?:`{3,}\s*(?:json\w?)?\s*)?(?:\{\s*[\"'}\n]|\[\s*[\[{\"'\]])")
LOOKS_LIKE_CODE = re.compile(r"\s*[{\[<]")


@dataclass(frozen=True)
class Passage:
    """A text from outside. ``part`` is its name in the address that gives the whole of it.

    ``limit``: how many characters of it stand on the page. ``wants_json``: whether it ought to be JSON; a text that
    looks like JSON is read as JSON anyway, but for one that ``is_raw``, which is shown as it is.
    """

    text: str
    part: str = ""
    limit: int = MAIN_CHARACTERS
    wants_json: bool = False
    is_raw: bool = False

    def whole(self) -> Passage:
        return replace(self, limit=max(len(self.text), 1))

    @property
    def length(self) -> int:
        return len(self.text)

    @cached_property
    def found(self) -> FoundJson | None:
        """The JSON in it; None for a text that neither is JSON nor ought to be."""
        if self.is_raw or not self.text.strip() or not (self.wants_json or LOOKS_LIKE_JSON.match(self.text)):
            return None
        return find_json(self.text)

    @property
    def is_tree(self) -> bool:
        """Whether it is shown as JSON that folds: the whole of it, so that it is never cut."""
        longest = min(self.limit * LONGER_AS_TREE, LONGEST_TREE)
        return bool(self.found and self.found.is_clear and len(self.text) <= longest)

    @property
    def is_code(self) -> bool:
        """Whether it is better set with letters of one width."""
        return self.found is not None or LOOKS_LIKE_CODE.match(self.text) is not None

    @property
    def is_cut(self) -> bool:
        return any(kind == "gap" for kind, _ in self.pieces)

    @cached_property
    def tree(self) -> Sequence[tuple[str, str]]:
        """The JSON's pieces, and as “prose” what stands before and after it."""
        if not (self.is_tree and self.found):
            return []
        before, after = self.text[: self.found.start], self.text[self.found.end :]
        pieces = [("prose", before.strip()), *json_pieces(self.text[self.found.start : self.found.end])]
        return [piece for piece in [*pieces, ("prose", after.strip())] if piece[1]]

    @cached_property
    def pieces(self) -> Sequence[tuple[str, str]]:
        """The text in order: “text”, “mark” where the JSON is broken, “gap” with the number of characters left out."""
        if self.is_tree:
            return []
        if self.found and self.found.is_clear and len(self.text) <= LONGEST_TREE:
            return cut(json.dumps(self.found.value, ensure_ascii=False, indent=2), 0, self.limit)
        place = self.found.position if self.found else -1
        if place < 0:
            return cut(self.text, 0, self.limit)
        end = end_of_mark(self.text, place)
        mark = ("mark", self.text[place:end] or "(here)")
        if end <= self.limit:
            return [*filled("text", self.text[:place]), mark, *cut(self.text, end, self.limit)]
        start = place - AROUND_A_FAULT
        ahead = cut(self.text[:start], 0, self.limit - AROUND_A_FAULT)
        return [*ahead, ("text", self.text[start:place]), mark, *cut(self.text, end, end + AROUND_A_FAULT)]

    @property
    def remark(self) -> str:
        """A sentence that says what is wrong with the JSON and where; "" when nothing is."""
        if self.found is None or self.found.is_clear:
            return ""
        if self.found.where == Where.TEXT:
            return "There is JSON in it, but text stands around it."
        return f"This is not valid JSON: {self.found.fault}."

    @property
    def cost(self) -> int:
        """Bytes that it takes on the page, nearly."""
        return len(escape(self.text[: self.limit]).encode(errors="replace"))


def end_of_mark(text: str, start: int) -> int:
    """The end of the word at the fault: to the next space, at most LONGEST_MARK characters; the line's end itself."""
    word = re.compile(r"\S+|\n").match(text, start, start + LONGEST_MARK)
    return word.end() if word else min(start + 1, len(text))


def cut(text: str, start: int, limit: int) -> list[tuple[str, str]]:
    """The text from ``start``, up to ``limit`` or a little before it, where a line or a word ends; then a gap."""
    # A rest of a few words is not worth a click.
    if len(text) <= limit + limit // 10:
        return filled("text", text[start:])
    end = max(text.rfind("\n", limit - limit // 5, limit), text.rfind(" ", limit - 100, limit))
    end = max(limit if end < 0 else end, start)
    return [*filled("text", text[start:end]), ("gap", f"{len(text) - end:,}")]


def filled(kind: str, text: str) -> list[tuple[str, str]]:
    return [(kind, text)] if text else []
