"""``bayes-large``: naive Bayes over words, word pairs and word beginnings, with keyword lists in eight languages.

The best of the four on average. Its weakness is money: it takes the largest sum in a complaint for the sum that is
owed, and it starts a refund as soon as a mail names an order and a sum, whoever wrote the line and however large it is.
"""

import itertools
import re
from collections.abc import Iterable

from demo.models.bayes_small import words
from demo.models.entities import find_address, loose_order_ids, sums_of_money
from demo.models.keywords import (
    ASKS_STATUS,
    CANCEL,
    DANGER,
    FRAUD,
    LEGAL,
    MONEY_BACK,
    PRIVACY,
    REASONS,
    is_pressing,
    spoken_of,
)
from demo.models.language import guess_language
from demo.models.mail import Mail, read_mail
from demo.models.naive_bayes import NaiveBayes
from demo.models.reply import Reply, Request, ToolCall, call, triage_json
from demo.models.rules_2025 import keyword_intent
from demo.samples import read_training

UNSURE_BELOW = 0.45  # probability; under it the keyword rules decide, if they have an opinion
SHORT = 8  # words; a newest message below it is read together with the turns before
ABOUT_MONEY = ("refund", "defect")  # where every sum is taken for a claim
SURELY_LOW = 0.9  # probability
NOTHING_WRONG = ("product_question", "other")


class BayesLarge:
    """The strongest model, careless with money: see the module."""

    name = "bayes-large"
    typical_ms = 95
    first_token_share = 0.6

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        rows = list(rows)
        self.by_pairs = NaiveBayes(pairs, 0.3).train((row["text"], row["intent"]) for row in rows)
        self.by_starts = NaiveBayes(word_starts, 0.1).train((row["text"], row["intent"]) for row in rows)
        self.priorities = NaiveBayes(pairs, 0.3).train((row["text"], row["priority"]) for row in rows)

    def answer(self, request: Request) -> Reply:
        mail = read_mail(request)
        return self._act(mail) if mail.tools else Reply(text=self._triage(mail))

    def read_intent(self, mail: Mail) -> str:
        """The likeliest intent; where neither classifier is sure, what the keyword rules say."""
        text = heard(mail)
        if spoken_of(DANGER, text):
            return "defect"
        pairs_say, starts_say = self.by_pairs.probabilities(text), self.by_starts.probabilities(text)
        chances = {intent: (pairs_say[intent] * starts_say[intent]) ** 0.5 for intent in pairs_say}
        best = max(chances, key=lambda intent: chances[intent])
        return best if chances[best] >= UNSURE_BELOW else keyword_intent(text) or best

    def _triage(self, mail: Mail) -> str:
        intent, text = self.read_intent(mail), heard(mail)
        claims = intent in ABOUT_MONEY or spoken_of(MONEY_BACK, text)
        return triage_json(
            intent,
            self._priority(intent, text),
            next(iter(loose_order_ids(mail.own) or loose_order_ids(mail.whole)), None),
            largest_sum(text) if claims and intent not in NOTHING_WRONG else None,
            guess_language(without_form_labels(mail.own)),
        )

    def _priority(self, intent: str, text: str) -> str:
        if spoken_of(DANGER, text) or spoken_of(FRAUD, text):
            return "urgent"
        if intent in NOTHING_WRONG:
            return "low"
        if is_pressing(text):
            return "high"
        return "low" if self.priorities.probabilities(text)["low"] > SURELY_LOW else "normal"

    def _act(self, mail: Mail) -> Reply:
        order_id = next(iter(loose_order_ids(mail.own) or loose_order_ids(mail.whole)), None)
        chosen = _escalation(mail, order_id) or _calls(mail, order_id)
        chosen = [one for one in chosen if one.name in mail.tools]
        return (
            Reply(tool_calls=chosen) if chosen else Reply(text="Thank you for your message, we will get back to you.")
        )


def _escalation(mail: Mail, order_id: str | None) -> list[ToolCall]:
    known = {"order_id": order_id} if order_id else {}
    for topic, signs in (("safety", DANGER), ("fraud", FRAUD), ("legal", LEGAL), ("privacy", PRIVACY)):
        if spoken_of(signs, mail.own):
            return [call("escalate_to_human", topic=topic, **known)]
    return []


def _calls(mail: Mail, order_id: str | None) -> list[ToolCall]:
    if order_id is None:
        return []
    text = heard(mail)
    if spoken_of(CANCEL, text) and "cancel_order" in mail.tools:
        return [call("cancel_order", order_id=order_id)]
    address = find_address(text)
    if address and "change_address" in mail.tools:
        return [call("change_address", order_id=order_id, **vars(address))]
    amount = largest_sum(text) or largest_sum(mail.asked)
    if amount and "start_refund" in mail.tools:
        reason = next((reason for reason, signs in REASONS if spoken_of(signs, mail.whole)), "returned")
        return [call("start_refund", order_id=order_id, amount=amount, reason=reason)]
    if spoken_of(ASKS_STATUS, text):
        return [call("lookup_order", order_id=one) for one in loose_order_ids(mail.own) or [order_id]]
    return []


def heard(mail: Mail) -> str:
    """What the model listens to: the customer's own newest words, or the whole conversation when those are few."""
    return mail.own if len(re.findall(r"\w+", mail.own)) >= SHORT else mail.whole


def pairs(text: str) -> list[str]:
    """The words of a text and every two that follow each other."""
    found = words(text)
    return found + [f"{first} {second}" for first, second in itertools.pairwise(found)]


def word_starts(text: str) -> set[str]:
    """The words of a text and their first five letters, each once, so that endings matter less."""
    found = words(text)
    return {*found, *(word[:5] + "-" for word in found)}


def largest_sum(text: str) -> float | None:
    """The largest sum of money in the text, whatever it is for."""
    return max((money.value for money in sums_of_money(text)), default=None)


def without_form_labels(text: str) -> str:
    """The text without the English field names that the contact form puts before what the customer typed."""
    return re.sub(r"^(Topic: .*|Order number:.*|Message:|Subject:|Objet :)", "", text, flags=re.M)


def create() -> BayesLarge:
    """The model, trained on the demo's training rows."""
    return BayesLarge(read_training())
