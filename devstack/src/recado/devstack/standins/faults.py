"""Faults that a platform is told to have: how each looks, how often it strikes.

Each platform has a list of faults; the first that applies to a request and is drawn strikes, alone.
A fault strikes the next `count` requests that it applies to (without a count: until it is taken
away), each with `probability`, drawn from its own generator with `seed`, so that a run can be
repeated.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Platform(StrEnum):
    """The platforms that are stood in for."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    GEMINI = "gemini"


class FaultKind(StrEnum):
    """What goes wrong."""

    SLOW = "slow"  # everything works, after `delay`
    RATE_LIMITED = "rate_limited"  # the platform's own "too many"; nothing is accepted
    BROKEN = "broken"  # 5xx; nothing is accepted
    REFUSED = "refused"  # the platform's own error with `code`; nothing is accepted
    DROP = "drop"  # the connection is closed without a byte; nothing is accepted
    HANG = "hang"  # checked and accepted like any request, and then never answered
    HTML = "html"  # a page with status 200 in place of JSON; nothing is accepted
    BLOCKED_PROMPT = "blocked_prompt"  # Gemini: promptFeedback.blockReason, no candidates
    SAFETY = "safety"  # Gemini: a candidate without text, finishReason SAFETY
    MAX_TOKENS = "max_tokens"  # Gemini: a candidate without text, finishReason MAX_TOKENS
    EMPTY = "empty"  # Gemini: no candidates and no reason


OF_GEMINI = frozenset(
    {FaultKind.BLOCKED_PROMPT, FaultKind.SAFETY, FaultKind.MAX_TOKENS, FaultKind.EMPTY}
)


class Fault(BaseModel):
    """One fault.

    `operations` limits it: `messages` and `read` on WhatsApp, method names on Telegram, and on
    Gemini (`generateContent`, `batchEmbedContents`); without it every request is meant. `delay`
    passes before the fault shows, whatever its kind. `code` is WhatsApp's error code of a rate
    limit, and the platform's of `refused` (Telegram's is an HTTP status, with `description`);
    `retry_after` is what Telegram and Gemini ask for; `status` is that of `broken`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    delay: timedelta = Field(default=timedelta(0), ge=timedelta(0), le=timedelta(minutes=10))
    status: int = Field(default=503, ge=500, le=599)
    code: int = 130429
    description: str = ""
    retry_after: timedelta = Field(default=timedelta(seconds=1), ge=timedelta(0))
    operations: frozenset[str] | None = None
    count: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0.0, le=1.0)
    seed: int = 0

    @model_validator(mode="after")
    def _says_how_slow(self) -> Self:
        if self.kind is FaultKind.SLOW and not self.delay:
            raise ValueError("a slow platform needs a delay")
        if self.kind is FaultKind.REFUSED and "code" not in self.model_fields_set:
            raise ValueError("a refusal needs a code")
        return self


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.count
        self._random = random.Random(fault.seed)  # noqa: S311  # repeatable on purpose

    def strikes(self, operation: str) -> bool:
        operations = self.fault.operations
        if self.left == 0 or (operations is not None and operation not in operations):
            return False
        if self._random.random() >= self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The faults of all platforms."""

    def __init__(self) -> None:
        self._armed: dict[Platform, list[_Armed]] = {}

    def put(self, platform: Platform, faults: Sequence[Fault]) -> None:
        """Let a platform have these faults and no others.

        Raises ValueError when a fault is none that the platform can have.
        """
        for fault in faults:
            if fault.kind in OF_GEMINI and platform is not Platform.GEMINI:
                raise ValueError(f"{fault.kind} is a fault of gemini, not of {platform}")
            if platform is Platform.GEMINI and fault.kind is FaultKind.REFUSED:
                raise ValueError(f"{fault.kind} is a fault of messaging platforms, not of gemini")
        self._armed[platform] = [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """All is well again."""
        self._armed.clear()

    def draw(self, platform: Platform, operation: str) -> Fault | None:
        """The fault that strikes this request, if one does; it is counted as used."""
        armed = self._armed.get(platform, [])
        return next((each.fault for each in armed if each.strikes(operation)), None)

    def armed(self) -> dict[Platform, list[tuple[Fault, int | None]]]:
        """The faults there are, each with how often it will still strike (None: for ever)."""
        return {
            platform: [(each.fault, each.left) for each in armed]
            for platform, armed in self._armed.items()
        }
