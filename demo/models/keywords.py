"""Signs that ``bayes-large`` looks for, in the shop's eight languages, one pattern for each thing that matters."""

import re

DANGER = (
    r"\bcrack|\bsnapped|collarbone|over the bars|smell|smok(e|ing)|\bbulg|swollen|recall|should not be ridden"
    r"|accelerates|brak\w+ .{0,60}(nothing|soft|to the bar|fail)|lets go of|nearly (crashed|fell|went)|wrinkle"
    r"|pops open|stitches|to the bar|went soft"
    r"|\briss\b|\brisse\b|gerissen|blockiert|gestürzt|sehr heiß|riecht nach|verbrannt|"
    r"arrachée|fissur|points de suture|partie toute seule|lâché"
    r"|pękł|pęknię|przewróci|remkabel|remmen|schaafwonden|gevallen|scheur|"
    r"fenda\b|rachou|se rompió|hinchad|crepat|sono caduto"
)
FRAUD = (
    r"(did not|didn't|have not|haven't) (order|bought|buy|made|make)|don't recognise|someone is using|using my card"
    r"|hacked|not me\b|das war nicht ich|carte volée|fraud"
)
LEGAL = (
    r"lawyer|solicitor|ombudsman|chargeback|consumer protection|anwält|anwalt|verbraucherzentrale|avocat"
    r"|avvocat|storno"
    r"|rzecznik|hoja de reclamaciones|en consumo|datenschutzbehörde|police\b"
)
PRIVACY = r"gdpr|dsgvo|rgpd|\bavg\b|my name and address|personal data|meine daten|art\. ?1[57]|inzage"
WAITING = (
    r"(third|fourth) (time|email|message)|i have now written|(asked|written|write|told it|email\w*"
    r"|phoned) (twice|two tim|three)"
    r"|two time|no (reply|answer)|nobody (replied|answered|called)|never came|ohne antwort"
    r"|keine antwort"
    r"|dreimal|sans réponse|troisième message|pas de réponse|otra vez|nadie me contest|no contest|senza risposta"
    r"|bez odpowiedzi|dwa razy dzwoni|sem resposta"
)
DEADLINE = (
    r"\b(by|for|on|this|need it) (then|fri|friday|saturday|sunday|monday|tomorrow)\b|tomorrow and|for tomorrow"
    r"|bis (montag|dienstag|freitag|samstag)|nicht bis|avant (lundi|vendredi|samedi)|para el (viernes|sábado)"
    r"|entro venerdì"
    r"|voor (vrijdag|zaterdag)|do (poniedziałku|piątku|soboty)|até (sexta|sábado)"
)
OVERDUE = (
    r"(two|three|four|3|4|several) (whole )?weeks|a month|(drei|vier) wochen|(trois|quatre) semaines|un mois\b"
    r"|(tre|quattro) settimane|drie weken|od miesiąca|minął miesiąc|un mes\b|tres semanas|três semanas"
    r"|(cobrad\w+|charged|cobraron\w*|pagati?) (me )?(dos|due|duas|os portes duas)? ?(veces|volte|vezes|twice)"
    r"|charged me the wrong|due volte|deux fois|doppelt|facturés alors"
)
NOT_THERE = (
    r"(delivered|left) .{0,60}(not|no |nothing|don't)|missing parcel"
    r"|« livré »|introuvable|consegnato (al|venerd)|risulta consegnato|zugestellt, aber|pone entregado y"
)
CANCEL = r"\bcancel\b|stornier|annuler|annuleren|anuluj|anulować|cancelad"
ASKS_STATUS = (
    r"\bwhere('s| is| are)|any (news|update|idea|word)|did my|has .* left|\bleft yet|for delivery today|coming"
    r"|wo (ist|befindet)|\bwann\b|où en est|une date|waar zitten|wanneer|czy .*wyjdzie|kiedy|em trânsito"
    r"|já saíram|cuándo"
    r"|dov'è|quando arriva"
)
MONEY_BACK = (
    r"refund|money back|give me back|returned|i'll take the|erstatt|geld zurück|rembours|devolv|reembols"
    r"|rimbors|rivo|ridate"
    r"|terug|zwrot|zwróc|recebo|de volta"
)
REASONS = (
    (
        "overcharged",
        r"charged|twice|doppelt|deux fois|dos (cargos|veces)|cobrad|free delivery|gift card|spedizione gratuita",
    ),
    ("not_received", r"never came|lost|missing|not (been )?delivered|fehlt|zaginęła|brakując|wrong house"),
    ("damaged", r"broke|snapped|fogs|damaged|crack|defekt|kaputt|kratzer"),
)


def spoken_of(signs: str, text: str) -> bool:
    """Whether any of the signs stands in the text, in any case."""
    return re.search(signs, text, re.I | re.S) is not None


def is_pressing(text: str) -> bool:
    """Whether the text gives one of the shop's reasons for high priority."""
    return any(spoken_of(signs, text) for signs in (LEGAL, WAITING, DEADLINE, OVERDUE, NOT_THERE))
