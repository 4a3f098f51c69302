"""What of a text goes to a Gemini embedding model, and how many texts go in one call.

Sources: ai.google.dev/gemini-api/docs/embeddings (input limits, task types of gemini-embedding-001,
prefixes that gemini-embedding-2 takes in their place), ai.google.dev/api/embeddings
(batchEmbedContents: 100 requests at most).
"""

from collections.abc import Iterator, Sequence
from enum import Enum

MAX_TEXTS = 100
"""Of one call; the API refuses more."""

MAX_BYTES = 60_000
"""Of one call: some 20,000 tokens, the quota of a request where there is one."""

MAX_VALUES = MAX_TEXTS * 768
"""Numbers in one answer. It is parsed on the event loop, which must not stand still for long."""

_BYTES_A_TOKEN = 3
"""At the least in Spanish. A text in another script may hold more; its end is cut by the API."""

_TOKENS = {"gemini-embedding-001": 2048, "gemini-embedding-2": 8192}
_FEWEST_TOKENS = 2048

_NOTHING = "."
"""In place of a blank text, which the API refuses."""


class Task(Enum):
    """What the text is: the model places a question near the passages that answer it."""

    QUERY = "RETRIEVAL_QUERY"
    PASSAGE = "RETRIEVAL_DOCUMENT"


_PREFIXES = {Task.QUERY: "task: search result | query: ", Task.PASSAGE: "title: none | text: "}


def takes_task_types(model: str) -> bool:
    """Later models ignore `taskType` and read the task in the text."""
    return not model.startswith("gemini-embedding-2")


def prepared(text: str, task: Task, model: str) -> str:
    """The text as the model is to read it: never blank, never longer than it reads."""
    most = _TOKENS.get(model, _FEWEST_TOKENS) * _BYTES_A_TOKEN
    # Halves of surrogate pairs, which can't be sent, become question marks.
    cut = text.encode(errors="replace")[:most].decode(errors="ignore")
    cut = cut if cut.strip() else _NOTHING
    return cut if takes_task_types(model) else _PREFIXES[task] + cut


def batches(texts: Sequence[str], dimensions: int) -> Iterator[Sequence[str]]:
    """The texts, in order, in as few calls as the limits allow; each text is whole in one."""
    most = max(1, min(MAX_TEXTS, MAX_VALUES // dimensions))
    begin, size = 0, 0
    for index, text in enumerate(texts):
        length = len(text.encode())
        if index > begin and (index - begin == most or size + length > MAX_BYTES):
            yield texts[begin:index]
            begin, size = index, 0
        size += length
    if begin < len(texts):
        yield texts[begin:]
