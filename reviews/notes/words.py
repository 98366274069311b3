"""The words of notes: what a search finds and marks, and by what two notes are alike. Pure."""

from __future__ import annotations

import re
import unicodedata

STEM = 6
"""Longer words count by so many of their first letters: “refund”, “refunds” and “refunded” are the same one."""
COMPARED_CHARACTERS = 2_000
"""Of a note that is compared; what is longer hardly says more of what went wrong."""
MOST_WORDS = 12
"""Of a search."""

WORD = re.compile(r"[^\W_]+")
# Written without spaces between words, so that pairs of characters stand for them.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")


def words_of(note: str) -> list[str]:
    """The words by which a note is like another one, in order, each as often as it occurs."""
    found: list[str] = []
    for match in WORD.finditer(unicodedata.normalize("NFKC", note[:COMPARED_CHARACTERS]).casefold()):
        word = match.group()
        if UNSPACED.search(word):
            found += [word[place : place + 2] for place in range(max(1, len(word) - 1))]
        else:
            found.append(word[:STEM])
    return found


def searched(text: str) -> list[str]:
    """What a search asks for: its words, each of which must occur; what stands in double quotes is one."""
    parts = re.findall(r'"([^"]+)"|([^\s"]+)', text)
    return [(quoted or word).strip() for quoted, word in parts if (quoted or word).strip()][:MOST_WORDS]


def marked(note: str, wanted: list[str]) -> list[tuple[str, bool]]:
    """The note in pieces: (text, whether it is what the search asks for)."""
    if not wanted:
        return [(note, False)]
    pattern = re.compile("|".join(re.escape(word) for word in sorted(wanted, key=len, reverse=True)), re.IGNORECASE)
    pieces, end = [], 0
    for match in pattern.finditer(note):
        pieces += [(note[end : match.start()], False), (match.group(), True)]
        end = match.end()
    return [(text, is_hit) for text, is_hit in [*pieces, (note[end:], False)] if text]
