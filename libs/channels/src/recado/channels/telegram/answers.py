"""What the Bot API answers, and what an error means for whoever wanted to send.

Errors: `{"ok": false, "error_code", "description", "parameters": {"retry_after", …}}`
(https://core.telegram.org/bots/api#making-requests). The codes are HTTP's.

A group that became a supergroup is refused with `parameters.migrate_to_chat_id`
(https://core.telegram.org/bots/api#responseparameters).

A 5xx is a result that is not known: the Bot API server answers it when Telegram did not answer in
time, and a gateway when the Bot API server did not.
"""

import re
from collections.abc import Iterable

import httpx

from recado.channels.credentials import redact
from recado.channels.errors import (
    ChatMoved,
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unclassified,
)
from recado.channels.payload import JsonObject, identifier_in, object_in, text_in
from recado.channels.sending import json_object, retry_after, seconds
from recado.channels.telegram.settings import TelegramIntegration
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError

_ENTITIES = re.compile(r"\bentit(?:y|ies)\b|MessageEntity|ENTITY_", re.IGNORECASE)

UNREADABLE = "an answer that is not the Bot API's"


def result_of(response: httpx.Response) -> JsonObject | None:
    """The answer's object if the call succeeded, `result` among it; None if it did not."""
    answer = json_object(response)
    return answer if response.is_success and answer and answer.get("ok") is True else None


def refusal(
    response: httpx.Response, integration: TelegramIntegration, *, hidden: Iterable[str]
) -> SendError:
    """The error to raise for an answer that is not a success."""
    status = response.status_code
    answer = json_object(response) or {}
    parameters = object_in(answer, "parameters") or {}
    pause = seconds(parameters.get("retry_after"))
    error = error_of(response, hidden=hidden)
    if status == httpx.codes.TOO_MANY_REQUESTS or pause is not None:
        return RetryLater(
            "too many requests",
            retry_after=pause or retry_after(response),
            code=error.code,
            too_fast=status == httpx.codes.TOO_MANY_REQUESTS,
        )
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND}:
        # A token that was withdrawn, and one that never was or the wrong address.
        return SenderStopped(integration.name, error)
    if status == httpx.codes.FORBIDDEN:
        # Blocked by the user, deactivated, thrown out of the group, never started.
        return Refused(NotDeliveredReason.BLOCKED, error)
    if status == httpx.codes.BAD_REQUEST and answer.get("ok") is False:
        moved_to = identifier_in(parameters, "migrate_to_chat_id")
        if moved_to is not None:
            return ChatMoved(moved_to)
        return Refused(NotDeliveredReason.REFUSED, error)
    if httpx.codes.is_client_error(status) and status != httpx.codes.REQUEST_TIMEOUT:
        return Unclassified(error)  # none that the Bot API documents, or a gateway's
    return ResultUnknown(f"status {status}")


def is_about_entities(response: httpx.Response) -> bool:
    """Whether the text's entities are what was refused, so that it would go without them.

    Telegram has no code for it; tdlib's words are "can't parse entities", "can't parse
    MessageEntity", "entity begins after the end of the text" and the server's `ENTITY_…`.
    """
    if response.status_code != httpx.codes.BAD_REQUEST:
        return False
    said = text_in(json_object(response) or {}, "description") or ""
    return _ENTITIES.search(said) is not None


def error_of(response: httpx.Response, *, hidden: Iterable[str]) -> PlatformError:
    """The error in Telegram's words, without the hidden ones."""
    answer = json_object(response) or {}
    code = answer.get("error_code")
    known = isinstance(code, int) and not isinstance(code, bool)
    return PlatformError(
        code=code if known and isinstance(code, int) else response.status_code,
        title=redact(text_in(answer, "description") or UNREADABLE, hidden),
    )
