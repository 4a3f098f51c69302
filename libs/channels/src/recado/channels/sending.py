"""What posting to any platform has in common: whether bytes went out, and what came back."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
import orjson
from pydantic import JsonValue

from recado.channels.errors import ResultUnknown, RetryLater
from recado.channels.payload import JsonObject

MAX_RETRY_AFTER = timedelta(days=1)


async def post(
    http: httpx.AsyncClient, url: str, payload: JsonObject, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Post JSON. The answer, whatever its status.

    Raises `RetryLater` where no connection came about, so that nothing can have been sent (also
    where the client is closed, since its integration was replaced), and `ResultUnknown` for
    anything that went wrong after that. The HTTP library's own errors are not chained: they hold
    the request, and with it the token.
    """
    if http.is_closed:
        raise RetryLater("no connection: closed")
    try:
        return await http.post(
            url,
            content=orjson.dumps(payload),
            headers={"content-type": "application/json", **(headers or {})},
            follow_redirects=False,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        failure: RetryLater | ResultUnknown = RetryLater(f"no connection: {type(error).__name__}")
    except httpx.HTTPError as error:
        failure = ResultUnknown(type(error).__name__)
    # Outside of the handler, so that not even `__context__` leads to the request.
    raise failure


def json_object(response: httpx.Response) -> JsonObject | None:
    """The answer's JSON object; None where it is none, such as a gateway's error page."""
    try:
        value: JsonValue = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def retry_after(response: httpx.Response) -> timedelta | None:
    """The `Retry-After` header in seconds; None where it is missing or a date."""
    return seconds(response.headers.get("retry-after"))


def seconds(value: JsonValue) -> timedelta | None:
    """A number of seconds from a platform, at most a day; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not number >= 0:
        return None
    return timedelta(seconds=min(number, MAX_RETRY_AFTER.total_seconds()))
