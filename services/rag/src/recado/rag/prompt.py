"""What the model is asked: instructions, the turns so far, the numbered sources, the message.

Instructions are Markdown files in `prompts/`; their version is the file's name and the beginning
of its SHA-256, so an answer names exactly what it was made with. Sources and messages are data:
the sources stand between tags, and such a tag inside one is taken apart, so that no source can
close the fence and go on as if it were the customer. The customer's message comes last.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

from recado.rag.citations import without_citations
from recado.rag.model import Prompt, PromptTurn
from recado.schemas.answers import RetrievedPassage, Turn

HASH_CHARACTERS = 8
_FENCE = re.compile(r"<(/?\s*fuentes\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instructions:
    """One file of `prompts/`."""

    version: str
    text: str


def load_instructions(name: str) -> Instructions:
    """The instructions of this name. Raises FileNotFoundError."""
    content = resources.files("recado.rag").joinpath("prompts", f"{name}.md").read_bytes()
    return instructions_from(name, content)


def instructions_from(name: str, content: bytes) -> Instructions:
    """The instructions in a file's content. Raises UnicodeDecodeError where it is not UTF-8."""
    version = f"{name}-{hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]}"
    return Instructions(version, content.decode("utf-8").strip())


def grounded(
    instructions: Instructions,
    history: Sequence[Turn],
    passages: Sequence[RetrievedPassage],
    question: str,
) -> Prompt:
    """A prompt with sources, numbered from 1 in the order of `passages`."""
    sources = "\n\n".join(
        f"[{number}] {_heading(passage)}\n{_fenced(passage.text)}"
        for number, passage in enumerate(passages, start=1)
    )
    message = f"<fuentes>\n{sources}\n</fuentes>\n\nMensaje del cliente:\n{_fenced(question)}"
    return Prompt(instructions.version, instructions.text, (*_turns(history), _user(message)))


def ungrounded(instructions: Instructions, history: Sequence[Turn], question: str) -> Prompt:
    """A prompt without sources."""
    turns = (*_turns(history), _user(_fenced(question)))
    return Prompt(instructions.version, instructions.text, turns)


def standalone(instructions: Instructions, history: Sequence[Turn], question: str) -> Prompt:
    """A prompt that asks for the question in words that need no conversation around them."""
    spoken = "\n".join(
        f"{'Cliente' if turn.role == 'user' else 'Soporte'}: {without_citations(turn.text)}"
        for turn in history
    )
    message = f"Conversación:\n{spoken}\n\nÚltima pregunta del cliente:\n{question}"
    return Prompt(instructions.version, instructions.text, (_user(message),))


def _heading(passage: RetrievedPassage) -> str:
    section = f" › {passage.section}" if passage.section else ""
    return _fenced(f"«{passage.title}»{section}")


def _user(text: str) -> PromptTurn:
    return PromptTurn("user", text)


def _turns(history: Sequence[Turn]) -> tuple[PromptTurn, ...]:
    """The turns as the model wants them: the customer's first, one after the other.

    Citations go: their numbers mean other sources than those of this prompt.
    """
    turns = [
        PromptTurn(
            "user" if is_user else "model",
            _fenced("\n".join(without_citations(turn.text) for turn in spoken)).strip(),
        )
        for is_user, spoken in groupby(history, key=lambda turn: turn.role == "user")
    ]
    turns = [turn for turn in turns if turn.text]
    first = next((at for at, turn in enumerate(turns) if turn.role == "user"), len(turns))
    return tuple(turns[first:])


def _fenced(text: str) -> str:
    return _FENCE.sub(r"‹\1", text)
