"""Spanish words as Weaviate's word index gets them, for it has no stemming of its own.

Text is stemmed here before it is written and before it is searched for, in the same way. Snowball
looks at accents, so it comes before the server folds them away. Words that say nothing of the
subject stay in the index and are left out of queries, by the server's stop words.
"""

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_CACHED_STEMS = 50_000  # more than the different words of a large knowledge base

# Articles, pronouns, prepositions, forms of ser, estar and haber. No negation and no verb of what
# customers do: "no funciona" and "puedo" tell questions apart.
# fmt: off
_SILENT_WORDS = frozenset({
    "a", "al", "algo", "ante", "aquel", "aquella", "así", "aún", "cada", "como", "cómo", "con",
    "cual", "cuál", "cuales", "cuáles", "cuando", "cuándo", "de", "del", "desde", "donde", "dónde",
    "e", "el", "él", "ella", "ellas", "ellos", "en", "entre", "era", "eran", "eres", "es", "esa",
    "esas", "ese", "eso", "esos", "esta", "está", "están", "estar", "estas", "estás", "este",
    "esto", "estos", "estoy", "fue", "ha", "han", "has", "hasta", "hay", "he", "la", "las", "le",
    "les", "lo", "los", "me", "mi", "mí", "mis", "muy", "nos", "nosotros", "nuestra", "nuestro",
    "o", "os", "otra", "otro", "para", "pero", "por", "porque", "pues", "que", "qué", "quien",
    "quién", "se", "sé", "sea", "ser", "si", "sí", "sobre", "son", "soy", "su", "sus", "te",
    "tu", "tú", "tus", "u", "un", "una", "unas", "uno", "unos", "usted", "ustedes", "y", "ya", "yo",
})
# fmt: on

_stemmer = Stemmer.Stemmer("spanish")
_stemming = threading.Lock()  # PyStemmer: one stemmer must not be used by two threads at once


def stemmed(text: str) -> str:
    """The stems of the text's words, in order, without case and with their accents."""
    return " ".join(_stem(word) for word in _WORD.findall(unicodedata.normalize("NFC", text)))


def stop_words() -> list[str]:
    """The stems of the words that are not searched for, sorted. None of them has an accent."""
    return sorted({_stem(word) for word in _SILENT_WORDS})


@lru_cache(maxsize=_CACHED_STEMS)
def _stem(word: str) -> str:
    with _stemming:
        stem: str = _stemmer.stemWord(word.lower())
    return stem
