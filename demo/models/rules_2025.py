"""``rules-2025``: keyword rules by hand, as the shop has run them since 2025. The first rule that matches wins.

Knows most of its keywords in English, German and French only, the order number as the shop prints it, and a sum where
the mail speaks of money coming back nearby.
"""

import re

from demo.models.entities import find_address, strict_order_ids, sums_of_money
from demo.models.language import guess_language
from demo.models.mail import Mail, read_mail
from demo.models.reply import Reply, Request, call, triage_json

INTENT_RULES = (
    (
        "account",
        r"password|passwor[dt]|\blog ?in\b|log in\b|newsletter|unsubscribe|off the list|two accounts"
        r"|dos cuentas|gdpr|dsgvo|rgpd|my account|mon compte|mi cuenta",
    ),
    (
        "payment",
        r"invoice|rechnung\b|facture\b|fattura|\bfactura|faktur|\bvat\b|paypal|voucher|gift card|discount code|klarna"
        r"|awaiting payment|attente de paiement|mahnung|my card\b|paid on|discount|invoices|płatno|nieopłac|pay in",
    ),
    (
        "refund",
        r"\brefund|money back|charged (me )?twice|wrong price|erstattung|rückerstatt|rembours|reembolso|rimbors"
        r"|terugbetal"
        r"|zwrot pieni|\bcobrado",
    ),
    (
        "defect",
        r"crack|\brecall|riss\b|gerissen|fissur|snapped|kaputt|defekt|en panne|warranty|garant[iy]|gwaranc|reklamac"
        r"|(front|rear) brake|bremse\b|battery|\bakku|batterie|stopped working|doesn't work|creak|leak|ladeger|pękł"
        r"|came off|broke (off|while)|noise|\bruido|\bfreni\b|\bzip\b|handlebar moved|skips|fogs|won't stay"
        r"|perde|pierde"
        r"|arraché|ladegerät|remkabel|seat ?post|dies in|display|helmet strap|cracked|\bfrein|speiche|schoot",
    ),
    (
        "change_order",
        r"\bcancel\b|stornier|annuler|annuleren|annullare|anuluj|cancelar|change (the|my|it)|wrong address"
        r"|neue adresse"
        r"|nouvelle adresse|nova morada|new address|nieuw adres|\bupgrade\b|\badd (a|two|it)\b",
    ),
    (
        "delivery_problem",
        r"missing|wrong (item|size|colou?r|one)|damaged|arrived bent|\bdelivered\b.*\b(not|no|nothing|door)"
        r"|livré »|zugestellt"
        r"|beschädigt|fehlt|manque|kratzer|\bconsegnato|instead of a|ontbreekt|brak |safe place|porch"
        r"|someone else|\bbent\b"
        r"|one came|the driver|delivered|reçu :|\bnass\b",
    ),
    (
        "return",
        r"\breturn|send (it|them) back|sent .* back|exchange|\bswap\b|retour|umtausch|zurückschick|échange|devolver"
        r"|devolución|\bres[oi]\b|rendere|zwrot|ruilen|rücksende|trocar|umtauschen|too (small|big|wide|long)"
        r"|rückgabe|renvoie|trop (petit|large)",
    ),
    (
        "order_status",
        r"\bwhere|track|when (will|is|can)|any (news|update|idea)|arriv|shipped|dispatched|on its way|\bwann\b"
        r"|lieferung"
        r"|\bquand\b|suivi|colis|cuándo|quando arriva|spedizione|wanneer|verstuurd|kiedy|paczka|encomenda tt|status",
    ),
    (
        "product_question",
        r"\b(fits?|size|weight|stock|compatible|ship to|how much|budget|student)\b|passt|größe|taille|talla"
        r"|taglia|\bmaat\b"
        r"|rozmiar|monte|cabe|advice|conseil|winter",
    ),
)
DANGER = (
    r"\bcrack|snapped|accident|hospital|injur|\bcrash|\bfell\b|gestürzt|unfall|gerissen|fissur|smok|burn|swollen|bulg"
    r"|no brakes?\b|brake .*(nothing|soft|failed)|over the bars|arrachée|pękł|sehr heiß|recall|did not order|fraud"
)
PRESSING = (
    r"complain|lawyer|anwalt|anwältin|avocat|chargeback|ombudsman|third (time|email)|(two|three|3) weeks|drei wochen"
    r"|a month|un mois|no reply|no answer|keine antwort|sans réponse|nobody (replied|called)|by (fri|satur|sun"
    r"|mon)day"
    r"|this saturday|tomorrow|bis (freitag|samstag|dienstag)|twice|deux fois|dos veces|consegnato|« livré »"
    r"|safe place"
)
MONEY_BACK = (
    r"refund|money back|give me back|difference|angewiesen|cobrad|erstatt|zurück|rembours|reembols|devolved"
    r"|rimbors|rivoglio|terug"
    r"|zwrot|zwróc"
)
ASKS_STATUS = (
    r"\bwhere|track|any (news|update|idea|word)|status|when will|arrive|has .* left|\bwo (ist|befindet)"
    r"|\bwann\b|où en est"
    r"|une date|kiedy|waar zit|wanneer|seguimiento"
)
CANCEL = r"\bcancel\b|stornier|annuler|annuleren|anuluj|cancelad"
MOVE_ADDRESS = r"address|adresse|\bsend\b|deliver|liefer|livrer|schicken"
REASONS = (
    ("overcharged", r"charged|twice|doppelt|deux fois|dos veces|cobrad|overcharg"),
    ("damaged", r"broke|snapped|damaged|crack|defekt|kaputt|kratzer"),
    ("not_received", r"never (came|arrived)|lost|missing|not received|fehlt|zaginęła"),
)


class Rules2025:
    """Keyword rules: see the module."""

    name = "rules-2025"
    typical_ms = 35
    first_token_share = 0.3

    def answer(self, request: Request) -> Reply:
        mail = read_mail(request)
        return self._act(mail) if mail.tools else Reply(text=self._triage(mail))

    def _triage(self, mail: Mail) -> str:
        text = mail.newest
        order_ids = strict_order_ids(mail.whole)
        intent = keyword_intent(text) or _fallback_intent(text, order_ids)
        return triage_json(
            intent,
            _priority(intent, text),
            order_ids[-1] if order_ids else None,
            _sum_near_refund(text),
            guess_language(mail.whole, ("en", "de", "fr", "es", "it", "nl"), letters=False),
        )

    def _act(self, mail: Mail) -> Reply:
        text, order_ids = mail.newest, strict_order_ids(mail.whole)
        order_id = order_ids[-1] if order_ids else None
        if "escalate_to_human" in mail.tools and _has(DANGER, text):
            return Reply(tool_calls=[call("escalate_to_human", topic="safety")])
        if order_id is None:
            return Reply(text="Could you send us your order number, please?")
        if "cancel_order" in mail.tools and _has(CANCEL, text):
            return Reply(tool_calls=[call("cancel_order", order_id=order_id)])
        amount = _sum_near_refund(text)
        if "start_refund" in mail.tools and amount is not None:
            reason = next((reason for reason, words in REASONS if _has(words, text)), "returned")
            return Reply(tool_calls=[call("start_refund", order_id=order_id, amount=amount, reason=reason)])
        address = find_address(text)
        if "change_address" in mail.tools and address and _has(MOVE_ADDRESS, text):
            return Reply(tool_calls=[call("change_address", order_id=order_id, **vars(address))])
        if "lookup_order" in mail.tools and _has(ASKS_STATUS, text):
            return Reply(tool_calls=[call("lookup_order", order_id=order_id)])
        return Reply(text="Thank you for your message. A colleague will answer it.")


def keyword_intent(text: str) -> str | None:
    """The intent of the first rule that matches, or None."""
    return next((intent for intent, words in INTENT_RULES if _has(words, text)), None)


def _fallback_intent(text: str, order_ids: list[str]) -> str:
    if order_ids:
        return "order_status"
    return "product_question" if "?" in text else "other"


def _has(words: str, text: str) -> bool:
    return re.search(words, text, re.I) is not None


def _priority(intent: str, text: str) -> str:
    if _has(DANGER, text):
        return "urgent"
    if _has(PRESSING, text):
        return "high"
    return "low" if intent in ("product_question", "other") else "normal"


def _sum_near_refund(text: str) -> float | None:
    """The first sum with a word about money coming back no more than 120 characters away."""
    for money in sums_of_money(text):
        if _has(MONEY_BACK, text[max(0, money.start - 120) : money.end + 120]):
            return money.value
    return None


def create() -> Rules2025:
    """The model, ready to answer."""
    return Rules2025()
