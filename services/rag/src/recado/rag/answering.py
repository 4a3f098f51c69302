"""From a customer's messages to the one answer that covers them.

The steps, in order: what do they want (`understanding`); what was said before (`history`); the
reply, fixed for commands and courtesies, by the `ladder` for questions; the answer event. No
framework, no Kafka. Everything that can fail outside is a lower rung or an empty history, never an
exception. Only who wants no automatic answers (BAJA) gets none.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from recado.rag.commands import Command, opts_out
from recado.rag.errors import HistoryUnavailable, OptedOut
from recado.rag.history import Conversation, Conversations, Exchange, Past, past
from recado.rag.ladder import Ladder, Reply
from recado.rag.smalltalk import Courtesy
from recado.rag.texts import Texts
from recado.rag.understanding import Question, Request, Unreadable, understand
from recado.schemas import ids
from recado.schemas.answers import Rung, Timings
from recado.schemas.events import AnswerGenerated, MessageReceived

COMMAND_TEXTS = {
    Command.START: "welcome",
    Command.HELP: "help",
    Command.RESET: "reset",
    Command.OPT_OUT: "opted_out",
    Command.OPT_IN: "opted_in",
}
INTRODUCING = frozenset({Command.START, Command.HELP})
"""Commands whose text itself says that an automatic assistant answers."""
WITHOUT_INTRODUCTION = frozenset({Command.OPT_OUT, Command.OPT_IN})
"""Commands of who knows the assistant already, and wants the less of it."""

Clock = Callable[[], datetime]

log = structlog.stdlib.get_logger(__name__)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Answering:
    """Makes answers. `deadline` is how long after it was made an answer may still be sent."""

    def __init__(
        self,
        conversations: Conversations,
        ladder: Ladder,
        texts: Texts,
        *,
        deadline: timedelta,
        clock: Clock = now,
    ) -> None:
        self._conversations = conversations
        self._ladder = ladder
        self._texts = texts
        self._deadline = deadline
        self._clock = clock

    async def answer(
        self, messages: Sequence[MessageReceived], exchanges: Sequence[Exchange] = ()
    ) -> AnswerGenerated:
        """The answer to these messages of one conversation: at least one, in their order.

        All of them want an answer (`understanding.wants_answer`). `exchanges` are our own recent
        ones in the conversation, oldest first. Raises `OptedOut`.
        """
        began = time.perf_counter()
        request = understand(messages)
        before = past(await self._read(messages[-1].conversation), exchanges, messages)
        command = request if isinstance(request, Command) else None
        if before.opted_out and opts_out(command) is None:
            raise OptedOut
        history_took = timedelta(seconds=time.perf_counter() - began)
        reply = await self._reply(request, before)
        text, introduces = self._introduced(request, before, reply.text)
        reset = request is Command.RESET
        generated_at = self._clock()
        last = messages[-1]
        return AnswerGenerated(
            id=ids.answer_id(message.id for message in messages),
            occurred_at=generated_at,
            conversation=last.conversation,
            reply_to=last.reply_to,
            message_ids=tuple(message.id for message in messages),
            quoted_message_id=last.platform_message_id,
            text=text,
            rung=reply.rung,
            citations=reply.citations,
            retrieval=reply.retrieval,
            history=before.turns if isinstance(request, Question) else (),
            prompt_version=reply.prompt_version,
            model=reply.model,
            usage=reply.usage,
            timings=Timings(
                history=history_took,
                retrieval=reply.retrieval_took,
                generation=reply.generation_took,
                total=timedelta(seconds=time.perf_counter() - began),
            ),
            error=_reasons(reply.error, "history: unavailable" if before.unavailable else None),
            introduces=introduces,
            resets_history=reset,
            opts_out=opts_out(command),
            received_at=min(message.occurred_at for message in messages),
            deadline=generated_at + self._deadline,
        )

    async def _read(self, conversation: str) -> Conversation | None:
        try:
            return await self._conversations.read(conversation)
        except HistoryUnavailable as error:
            log.warning("rag.history_unavailable", error=str(error))
            return None

    async def _reply(self, request: Request, before: Past) -> Reply:
        match request:
            case Command():
                return Reply(text=self._texts.get(COMMAND_TEXTS[request]), rung=Rung.COMMAND)
            case Courtesy():
                return Reply(text=self._texts.get(request.value), rung=Rung.NOTICE)
            case Unreadable():
                return Reply(text=self._texts.get(request.notice), rung=Rung.NOTICE)
            case Question():
                return await self._ladder.answer(request.text, before)

    def _introduced(self, request: Request, before: Past, text: str) -> tuple[str, bool]:
        """The text with what stands before it, and whether it says who answers."""
        if isinstance(request, Question) and request.attachment:
            text = f"{self._texts.get('attachment_ignored')}\n\n{text}"
        if request in INTRODUCING:
            return text, True
        if before.introduced or request in WITHOUT_INTRODUCTION:
            return text, False
        return f"{self._texts.get('introduction')}\n\n{text}", True


def _reasons(*reasons: str | None) -> str | None:
    return "; ".join(reason for reason in reasons if reason) or None
