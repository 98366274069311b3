"""``bayes-small``: naive Bayes over single words for intent and priority, simple patterns for the rest.

It reads the whole conversation as one bag of words, so old turns and quoted mail weigh as much as the newest line.
"""

import re
from collections.abc import Iterable

from demo.models.entities import find_address, loose_order_ids, sums_of_money
from demo.models.language import WORDS_OF, guess_language
from demo.models.mail import Mail, read_mail
from demo.models.naive_bayes import NaiveBayes
from demo.models.reply import Reply, Request, ToolCall, call, triage_json
from demo.samples import read_training

MONEY_INTENTS = ("refund",)
SMALL = frozenset().union(*WORDS_OF.values())
CANCEL = re.compile(r"cancel|stornier|annul|anul", re.I)


class BayesSmall:
    """Word counts: see the module."""

    name = "bayes-small"
    typical_ms = 55
    first_token_share = 0.5

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        rows = list(rows)
        self.intents = NaiveBayes(words).train((row["text"], row["intent"]) for row in rows)
        self.priorities = NaiveBayes(words).train((row["text"], row["priority"]) for row in rows)

    def answer(self, request: Request) -> Reply:
        mail = read_mail(request)
        return self._act(mail) if mail.tools else Reply(text=self._triage(mail))

    def _triage(self, mail: Mail) -> str:
        intent = self.intents.likeliest(mail.whole)
        return triage_json(
            intent,
            self.priorities.likeliest(mail.whole),
            next(iter(loose_order_ids(mail.whole)), None),
            _first_sum(mail.whole) if intent in MONEY_INTENTS else None,
            guess_language(mail.whole, letters=False),
        )

    def _act(self, mail: Mail) -> Reply:
        """Turn the intent into the tool that goes with it, whether or not the message really asks for it."""
        intent, order_id = self.intents.likeliest(mail.whole), next(iter(loose_order_ids(mail.whole)), None)
        chosen = self._call_for(intent, order_id, mail)
        if chosen is None or chosen.name not in mail.tools:
            return Reply(text=f"Thank you. We have noted your message under “{intent.replace('_', ' ')}”.")
        return Reply(tool_calls=[chosen])

    def _call_for(self, intent: str, order_id: str | None, mail: Mail) -> ToolCall | None:
        if intent == "defect" and self.priorities.likeliest(mail.whole) == "urgent":
            return call("escalate_to_human", topic="safety")
        if order_id is None:
            return None
        amount = _first_sum(mail.whole)
        if intent in ("refund", "return") and amount is not None:
            return call("start_refund", order_id=order_id, amount=amount, reason="returned")
        if intent == "change_order":
            address = None if CANCEL.search(mail.whole) else find_address(mail.whole)
            if address:
                return call("change_address", order_id=order_id, **vars(address))
            return call("cancel_order", order_id=order_id)
        return call("lookup_order", order_id=order_id) if intent in ("order_status", "delivery_problem") else None


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order, without numbers and without the smallest words of each language."""
    return [word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in SMALL]


def _first_sum(text: str) -> float | None:
    return next((money.value for money in sums_of_money(text)), None)


def create() -> BayesSmall:
    """The model, trained on the demo's training rows."""
    return BayesSmall(read_training())
