"""What customers change of their messages and put to them, as events; a story with all of it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from recado.schemas import ids
from recado.schemas.content import Content, Reaction
from recado.schemas.context import Context
from recado.schemas.conversations import ReplyTo, User
from recado.schemas.events import Event, MessageReceived
from recado.schemas.webhooks import MessageKind
from support.dispatching import NOW, TELEGRAM, answer, message

ANA = User(id="5491100000001", name="Ana", aliases=("ana",))
BETO = User(id="5491100000002", name="Beto")


def edit(of: int, text: str | None, *, after: int, reply_to: ReplyTo = TELEGRAM) -> MessageReceived:
    """The customer changed that message so many seconds after NOW."""
    at = NOW + timedelta(seconds=after)
    return message(
        of,
        reply_to,
        id=ids.message_id(reply_to.integration, "message", reply_to.chat, str(of), at),
        kind=MessageKind.EDIT,
        platform_kind="edited_message",
        text=text,
        sent_at=at,
        occurred_at=at + timedelta(milliseconds=300),
        quoted_message_id=str(of),
        context=Context(changes=(str(of),)),
    )


def revoke(*of: int, reply_to: ReplyTo = TELEGRAM, update: int = 900) -> MessageReceived:
    """The customer took these messages back."""
    return message(
        update,
        reply_to,
        kind=MessageKind.REVOKE,
        text=None,
        sent_at=NOW + timedelta(minutes=1),
        context=Context(changes=tuple(str(one) for one in of)),
    )


def reaction(
    to: str,
    emoji: str | None,
    *,
    after: int,
    by: User = ANA,
    reply_to: ReplyTo = TELEGRAM,
) -> MessageReceived:
    """Somebody put this to a message, or took away what they had put, where it is nothing."""
    at = NOW + timedelta(seconds=after)
    return message(
        after,
        reply_to,
        id=UUID(int=7_000 + after),
        user=by,
        kind=MessageKind.REACTION,
        text=None,
        sent_at=at,
        occurred_at=at,
        platform_message_id=str(80_000 + after),
        content=Content(reaction=Reaction(message_id=to, emoji=emoji)),
    )


STORY: Sequence[Event] = (
    message(1, TELEGRAM),
    message(2, TELEGRAM, kind=MessageKind.IMAGE, text="foto"),
    message(3, TELEGRAM),
    edit(1, "uno", after=1),
    edit(1, "dos", after=2),
    edit(2, None, after=3),
    edit(3, "tres", after=4),
    edit(3, "cuatro", after=5),
    revoke(3, 99),
    reaction("1", "👍", after=6),
    reaction("1", "❤", after=7, by=BETO),
    reaction("1", None, after=8),
    reaction("3", "😮", after=9),
    answer(1, reply_to=TELEGRAM),
    reaction("1001", "🙏", after=10),
)
