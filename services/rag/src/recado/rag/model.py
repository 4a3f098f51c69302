"""The port of the language model: what is asked, what comes back.

A model is asked with a `Prompt` and gives a `Generation`, or raises a `ModelError` (see `errors`).
It never raises anything else on account of the other side, and it never takes longer than its own
deadline.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from recado.schemas.answers import Usage


@dataclass(frozen=True, slots=True)
class PromptTurn:
    """One turn as the model sees it."""

    role: Literal["user", "model"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked. The last turn is the user's. `version` names the instructions."""

    version: str
    instructions: str
    turns: tuple[PromptTurn, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model answered: whole, and never blank. `model` is the one that really answered."""

    text: str
    model: str
    usage: Usage | None


class LanguageModel(Protocol):
    """Writes text."""

    @property
    def name(self) -> str:
        """The model's name, as answers carry it."""
        ...

    async def generate(self, prompt: Prompt) -> Generation:
        """Answer, within the model's deadline. Raises `ModelError`."""
        ...
