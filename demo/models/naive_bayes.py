"""A multinomial naive Bayes classifier, from the textbook, in the standard library only."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from math import exp, log

Features = Callable[[str], Iterable[str]]


class NaiveBayes:
    """Learns which features go with which label; ``smoothing`` is added to every count (1 is Laplace's)."""

    def __init__(self, features: Features, smoothing: float = 1.0) -> None:
        self.features = features
        self.smoothing = smoothing
        self.label_counts: Counter[str] = Counter()
        self.feature_counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.vocabulary: set[str] = set()

    def train(self, rows: Iterable[tuple[str, str]]) -> "NaiveBayes":
        """Count the features of (text, label) rows."""
        for text, label in rows:
            found = list(self.features(text))
            self.label_counts[label] += 1
            self.feature_counts[label].update(found)
            self.vocabulary.update(found)
        return self

    def probabilities(self, text: str) -> dict[str, float]:
        """How likely each label is, from 0 to 1; they add up to 1. Features never seen in training are passed over."""
        found = [feature for feature in self.features(text) if feature in self.vocabulary]
        total = sum(self.label_counts.values())
        logs = {}
        for label, rows in self.label_counts.items():
            counts = self.feature_counts[label]
            room = sum(counts.values()) + self.smoothing * len(self.vocabulary)
            logs[label] = log(rows / total) + sum(log((counts[f] + self.smoothing) / room) for f in found)
        top = max(logs.values())
        weights = {label: exp(value - top) for label, value in logs.items()}
        return {label: weight / sum(weights.values()) for label, weight in weights.items()}

    def likeliest(self, text: str) -> str:
        """The label with the highest probability."""
        chances = self.probabilities(text)
        return max(chances, key=lambda label: chances[label])
