"""What the Graph API's error answers mean for whoever wanted to send.

Codes: Meta, support/error-codes. A code is trusted over the HTTP status, which Meta sets loosely
(131000, "something went wrong", comes with 500 and means that nothing was sent).

A 5xx without such a code is a gateway between us and Meta, which may well have handed the request
on before it gave up: the result is not known.
"""

from collections.abc import Iterable

import httpx

from recado.channels.credentials import redact
from recado.channels.errors import (
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unclassified,
)
from recado.channels.payload import JsonObject, object_in, text_in
from recado.channels.sending import json_object, retry_after
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError

PAIR_RATE = 131056
"""Too many messages to one user; to be tried again after 4^X seconds (Meta, overview)."""

TOO_FAST = frozenset({4, 80007, 130429})
"""Too many calls of the app, the account or the number."""

WINDOW_CLOSED = 131047
"""More than 24 hours since the customer wrote: only templates may be sent."""

RETRY_LATER = frozenset({4, 80007, 130429, 131000, 131016, 131056, 131057})
NEVER_RETRY = frozenset(
    {131008, 131009, 131021, 131026, 131030, 131047, 131050, 131051, 131062, *range(132000, 132017)}
)
STOP_SENDER = frozenset({0, 3, 10, 190, *range(200, 300), 368, 131031, 131042, 131048})


def refusal(
    response: httpx.Response, integration: WhatsAppIntegration, *, hidden: Iterable[str]
) -> SendError:
    """The error to raise for an answer that is not a success."""
    status = response.status_code
    answer = json_object(response)
    error = None if answer is None else object_in(answer, "error")
    code = None if error is None else error.get("code")
    if error is None or not isinstance(code, int) or isinstance(code, bool):
        return _by_status(
            response, integration, PlatformError(code=status, title="without an error code")
        )
    said = _said(error, code, hidden)
    if code in RETRY_LATER:
        return RetryLater(
            f"Graph API error {code}",
            retry_after=retry_after(response),
            code=code,
            too_fast=code in TOO_FAST,
            chat_only=code == PAIR_RATE,
        )
    if code in STOP_SENDER:
        return SenderStopped(integration.name, said)
    if code in NEVER_RETRY:
        closed = code == WINDOW_CLOSED
        return Refused(
            NotDeliveredReason.WINDOW_CLOSED if closed else NotDeliveredReason.REFUSED, said
        )
    return _by_status(response, integration, said)


def _by_status(
    response: httpx.Response, integration: WhatsAppIntegration, said: PlatformError
) -> SendError:
    """For a code that is not listed, or none."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RetryLater(
            "too many requests", retry_after=retry_after(response), code=said.code, too_fast=True
        )
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
        # The token, or the address of the API or number: no other message would fare better.
        return SenderStopped(integration.name, said)
    if httpx.codes.is_client_error(status) and status != httpx.codes.REQUEST_TIMEOUT:
        return Unclassified(said)
    return ResultUnknown(f"status {status}, error code {said.code}")


def _said(error: JsonObject, code: int, hidden: Iterable[str]) -> PlatformError:
    words = tuple(hidden)
    title = text_in(error, "message")
    details = text_in(object_in(error, "error_data"), "details")
    return PlatformError(
        code=code,
        title=None if title is None else redact(title, words),
        message=None if details is None else redact(details, words),
    )
