"""A follow-up question, made to stand alone for the search.

"¿Y por la noche?" finds nothing by itself. Without a model it is searched for together with the
customer's question before it, and that one's, back to the last that stands alone. This is by rule
and errs to one side: a question that is joined needlessly still finds its own words.
"""

from collections.abc import Sequence

from recado.rag.commands import command_in
from recado.rag.smalltalk import courtesy_in, plain_words
from recado.schemas.answers import Turn

MAX_TURNS_BACK = 3
MAX_TURN_CHARACTERS = 500

_CONNECTIVES = frozenset(
    """
    y e o u pero entonces tambien ademas tampoco
    eso esto ese esa esos esas este esta aquello
    """.split()  # noqa: SIM905 - a list of words
)
_PHRASES = ("lo mismo", "que pasa si", "en ese caso", "en cambio", "si no", "por que no")
_INTERROGATIVES = frozenset(
    """
    que cual cuales cuanto cuanta cuantos cuantas cuando como donde quien por para
    """.split()  # noqa: SIM905
)
_POINTERS = frozenset(
    """
    el la los las lo uno una otro otra primero segundo si no ahi alli asi
    """.split()  # noqa: SIM905
)

_LONGEST_AFTER_CONNECTIVE = 12
_LONGEST_ELLIPTIC_QUESTION = 3
_LONGEST_POINTER = 3


def is_follow_up(question: str) -> bool:
    """Whether the question leans on what was said before."""
    words = plain_words(question).split()
    if not words:
        return False
    begins = " ".join(words)
    if len(words) <= _LONGEST_AFTER_CONNECTIVE and (
        words[0] in _CONNECTIVES or begins.startswith(_PHRASES)
    ):
        return True
    if words[0] in _INTERROGATIVES:
        return len(words) <= _LONGEST_ELLIPTIC_QUESTION
    return words[0] in _POINTERS and len(words) <= _LONGEST_POINTER


def joined(question: str, history: Sequence[Turn]) -> str:
    """What to search for: the question, with those before it that it leans on."""
    if not is_follow_up(question):
        return question
    asked: list[str] = [question]
    for before in reversed(_questions(history)[-MAX_TURNS_BACK:]):
        asked.append(before[:MAX_TURN_CHARACTERS])
        if not is_follow_up(before):
            break
    return " ".join(reversed(asked))


def _questions(history: Sequence[Turn]) -> list[str]:
    return [
        turn.text
        for turn in history
        if turn.role == "user"
        and plain_words(turn.text)
        and command_in(turn.text) is None
        and courtesy_in(turn.text) is None
    ]
