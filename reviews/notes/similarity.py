"""Which notes are like which, by the words that they share (BM25). Pure: it is handed the notes.

It only puts notes in an order. What belongs together is for people to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reviews.notes.words import words_of

if TYPE_CHECKING:
    import numpy as np

MOST_COMPARED = 5_000
"""Notes that are compared; with twice as many it takes four times as long."""


class Likeness:
    """An index over notes by the words in them: a rare word that two of them share says more than a common one."""

    def __init__(self, notes: Sequence[str]) -> None:
        """Of no more than MOST_COMPARED notes."""
        from bm25s import BM25  # brings SciPy along: a second of importing, for the few pages that compare notes

        self.words = [words_of(note) for note in notes]
        self.index: Any = None
        if any(self.words):
            self.index = BM25(method="lucene")
            self.index.index(self.words, create_empty_token=False, show_progress=False)

    def scores(self, words: Sequence[str]) -> np.ndarray | None:
        """How much each note has of these words: 0 or more, the higher the more alike; None where no word is known."""
        if self.index is None:
            return None
        known = [self.index.vocab_dict[word] for word in dict.fromkeys(words) if word in self.index.vocab_dict]
        return self.index.get_scores_from_ids(known) if known else None


def most_like(notes: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Places of ``notes``, those most like the ``wanted`` ones first, and then as given: none is left out.

    A word counts once for each of the wanted notes that has it.
    """
    import numpy as np  # the notes' pages alone need it

    likeness = Likeness(notes)
    total = np.zeros(len(notes))
    for note in wanted:
        scores = likeness.scores(words_of(note))
        if scores is not None:
            # Each wanted note weighs the same, however long it is.
            total += scores / (float(scores.max()) or 1.0)
    return [int(place) for place in np.argsort(-total, kind="stable")]


def side_by_side(notes: Sequence[str]) -> list[int]:
    """Places of ``notes`` in an order in which like stands beside like.

    The first one stays first; each is followed by the one most like it of those that are left. Where none shares a
    word with it, the next as given follows.
    """
    import numpy as np  # the notes' pages alone need it

    likeness = Likeness(notes)
    is_left = np.ones(len(notes), dtype=bool)
    order: list[int] = []
    here = 0
    while len(order) < len(notes):
        order.append(here)
        is_left[here] = False
        scores = likeness.scores(likeness.words[here])
        fits = is_left * (scores if scores is not None else 0.0)
        # Where nothing fits, argmax takes the first of those that are left.
        here = int((fits if fits.any() else is_left).argmax())
    return order
