"""Meta's `errors`, as they stand in messages, statuses and changes."""

from recado.channels.payload import JsonObject, object_in, objects_in, text_in
from recado.schemas.webhooks import PlatformError

MAX_ERRORS = 10
"""Kept of one part. Meta sends one."""


def errors_in(part: JsonObject) -> tuple[PlatformError, ...]:
    """The errors in Meta's words (Meta, support/error-codes)."""
    if "errors" not in part:
        return ()
    return tuple(_error(one) for one in list(objects_in(part, "errors"))[:MAX_ERRORS])


def _error(error: JsonObject) -> PlatformError:
    code = error.get("code")
    details = text_in(object_in(error, "error_data"), "details")
    return PlatformError(
        code=code if isinstance(code, int | str) and not isinstance(code, bool) else "unknown",
        title=text_in(error, "title"),
        message=details or text_in(error, "message"),
    )
