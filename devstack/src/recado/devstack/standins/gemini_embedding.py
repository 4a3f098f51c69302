"""The vectors that the stand-in gives: by rule, the same for the same text, no model behind them.

Each word's stem and each of its runs of three letters has a direction of its own; a text is their
sum, words that say nothing left out. So texts are similar as far as they share words, endings and
typing errors aside, whatever their accents and case. As with the real models all texts share a
direction: unrelated ones have a similarity near 0.5, not 0.

gemini-embedding-001 brings only its full size to length 1; shorter vectors are left for the caller
to normalise. gemini-embedding-2 normalises each size, ignores `taskType`, and reads the task in a
prefix of the text, which is not part of what it embeds.

Source: ai.google.dev/gemini-api/docs/embeddings.
"""

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

FULL_SIZE = 3072
_SHORTER_LENGTH = 0.7
_STEM = 5
_STEM_WEIGHT = 1.0
_LETTERS_WEIGHT = 0.35
_SHARED_LENGTH = 0.94  # of the shared direction, beside 1 of the text's own

_PREFIX = re.compile(r"(?:task: [a-z ]+ \| query: |title: [^|]* \| text: )")
_WORD = re.compile(r"\w+")
# fmt: off
_SILENT = frozenset({
    "a", "al", "algo", "ante", "como", "con", "cual", "cuando", "cuanto", "de", "del", "desde",
    "donde", "el", "ella", "en", "entre", "era", "es", "esa", "ese", "eso", "esta", "este",
    "esto", "fue", "ha", "hay", "he", "la", "las", "le", "les", "lo", "los", "mas", "me", "mi",
    "mis", "muy", "no", "nos", "o", "para", "pero", "por", "porque", "puede", "puedo", "que",
    "quien", "se", "ser", "si", "sin", "sobre", "son", "su", "sus", "te", "tengo", "ti",
    "tiene", "tu", "tus", "un", "una", "uno", "y", "ya", "yo",
})
# fmt: on


def embed(text: str, model: str, dimensions: int) -> list[float]:
    """The vector of one content."""
    if model.startswith("gemini-embedding-2"):
        text = _PREFIX.sub("", text, count=1)
    own = [0.0] * dimensions
    for feature, weight in _features(text):
        place, sign = _direction(feature, dimensions)
        own[place] += sign * weight
    length = math.hypot(*own)
    shared = _SHARED_LENGTH / math.sqrt(dimensions)
    values = [shared + (value / length if length else 0.0) for value in own]
    whole = math.hypot(*values)
    normalised = dimensions == FULL_SIZE or model.startswith("gemini-embedding-2")
    scale = (1.0 if normalised else _SHORTER_LENGTH) / whole
    return [round(value * scale, 7) for value in values]


def _features(text: str) -> Iterator[tuple[str, float]]:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = Counter(word for word in _WORD.findall(folded) if word not in _SILENT)
    for word, count in words.items():
        weight = math.sqrt(count)
        yield word[:_STEM], _STEM_WEIGHT * weight
        framed = f"^{word}"
        for begin in range(len(framed) - 2):
            yield f"~{framed[begin : begin + 3]}", _LETTERS_WEIGHT * weight
    if not words:
        yield f"={folded}", 1.0


def _direction(feature: str, dimensions: int) -> tuple[int, float]:
    digest = hashlib.blake2b(feature.encode(errors="replace"), digest_size=5).digest()
    return int.from_bytes(digest[:4]) % dimensions, 1.0 if digest[4] & 1 else -1.0
