"""What is sent along with a part and comes back in its status reports.

`recado1:{answer id}:{part, from 0}:{conversation key}`. WhatsApp returns it as
`biz_opaque_callback_data`, 512 characters at most (Meta, messages); a conversation key that does
not fit is left out, for answer and part alone find the ledger's entry.
"""

import re
from typing import NamedTuple
from uuid import UUID

MAX_CHARACTERS = 512

_FORM = re.compile(
    r"recado1:(?P<answer>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r":(?P<part>[0-9]{1,4}):(?P<conversation>.*)",
    re.DOTALL,
)


class SentPart(NamedTuple):
    """A part of an answer, as callback data names it."""

    answer_id: UUID
    part: int
    conversation: str


def write(answer_id: UUID, part: int, conversation: str) -> str:
    """The callback data of a part."""
    named = f"recado1:{answer_id}:{part}:"
    whole = named + conversation
    return whole if len(whole) <= MAX_CHARACTERS else named


def read(callback_data: str | None) -> SentPart | None:
    """The part that callback data names; None where it is not ours."""
    match = _FORM.fullmatch(callback_data or "")
    if match is None:
        return None
    return SentPart(UUID(match["answer"]), int(match["part"]), match["conversation"])
