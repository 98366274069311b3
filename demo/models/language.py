"""Guess the language of a text from its commonest small words."""

import re

SMALL_WORDS = {
    "en": "the and is it to of my i you have for not was this that with on in but are be can please hi hello do does "
    "what your from when where would has been out did just no any as if me a they so got its",
    "de": "der die das und ist ich nicht ein eine es zu mit auf den für bitte wir sie ihr ihre noch habe auch von dem "
    "hallo guten tag wann wie schon bei mir kann gibt hat wird nur im am aus danke zurück sich",
    "fr": "le la les des et est je pas une un que vous pour dans en sur mon ma de du ai bonjour il ce qui avec merci "
    "nous vos votre mais à au se me sont salut plus c'est j'ai",
    "es": "el la los las y es que no un una de en mi por para con se me lo he hola pedido buenas gracias está si pero "
    "su al del ya ha cuando os muy más sin aquí",
    "it": "il lo la gli e è che non un una di in per con mi ho ordine buongiorno ciao grazie sono della del ma si "
    "come al dal è stato nel anche vi se da alla quando salve",
    "nl": "de het een en is ik niet van dat mijn op in met voor er maar jullie hoi graag kan ook bij nog aan te om "
    "die zijn naar als wat heb goedemorgen bestelling wel ze uit hem dan geen ben",
    "pl": "i w na nie się jest do to z że za jak co proszę mam dzień dobry zamówienie czy od już tylko po ale mi "
    "kiedy jeszcze przez ja tak o moje cześć hej mnie ma jestem sprawdzam",
    "pt": "o a os as e é que não um uma de em meu minha por para com se me do da no na bom dia boa tarde olá "
    "encomenda já mas está isto ao muito obrigado obrigada foi ainda eu lhe ou são",
    "da": "og er det jeg ikke en et på til med af den der som for hej kan har på cykel jeres hvor når man kun",
    "cs": "a v je se na že to dobrý den jsem objednávka kdy prosím děkuji pořád ještě mi svítí z od do ve",
}
WORDS_OF = {language: frozenset(words.split()) for language, words in SMALL_WORDS.items()}
RARE_LETTERS = {
    "de": "ßäöü",
    "pl": "łąęśżźćń",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "fr": "çœêû",
    "da": "øæ",
    "cs": "ěřů",
    "it": "ìò",
}


def guess_language(text: str, known: tuple[str, ...] = tuple(WORDS_OF), letters: bool = True) -> str:
    """The likeliest of the ``known`` languages; English when no word of any is found.

    ``letters`` also counts letters that few languages use.
    """
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower())
    points = {language: float(sum(word in WORDS_OF[language] for word in words)) for language in known}
    if letters:
        for language in known:
            points[language] += sum(text.lower().count(letter) for letter in RARE_LETTERS.get(language, ""))
    best = max(points, key=lambda language: points[language])
    return best if points[best] > 0 else "en"
