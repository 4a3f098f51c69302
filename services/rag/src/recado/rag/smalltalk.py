"""Greetings and thanks: short courtesies that need no search and no model.

Only a message that is nothing else counts: "hola, no tengo internet" is a question.
"""

import re
import unicodedata
from enum import StrEnum


class Courtesy(StrEnum):
    """A courtesy; its value names the text that answers it."""

    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"


_GREETINGS = (
    "hola|holi|hello|hi|hey|buenas|buenos dias|buen dia|buenas tardes|buenas noches"
    "|que tal|como estas"
)
_THANKS = (
    "(?:muchas |mil )?gracias|thanks|thank you|te lo agradezco"
    "|ok(?:ay)?|vale|perfecto|genial|listo|de acuerdo|entendido"
)
_GOODBYES = "adios|chao|chau|hasta luego|hasta pronto|nos vemos|bye"

_FORMS = (
    (Courtesy.GOODBYE, re.compile(rf"(?:(?:{_THANKS}) )*(?:{_GOODBYES})")),
    (Courtesy.THANKS, re.compile(rf"(?:{_THANKS})(?: (?:{_THANKS}|por todo|por la ayuda))*")),
    (Courtesy.GREETING, re.compile(rf"(?:{_GREETINGS})(?: (?:{_GREETINGS}|a todos))*")),
)


def courtesy_in(text: str) -> Courtesy | None:
    """The courtesy that this text is, if it is nothing else."""
    words = plain_words(text)
    for courtesy, form in _FORMS:
        if form.fullmatch(words):
            return courtesy
    return None


def plain_words(text: str) -> str:
    """The text in lower case, without accents, punctuation and emoji, words one space apart."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    letters = "".join(one for one in decomposed if unicodedata.category(one) != "Mn")
    return " ".join(re.findall(r"[^\W_]+", letters))
