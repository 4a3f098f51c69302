"""The parameters of a Bot API method, however they came.

Source: Bot API, "Making requests": GET and POST; in the query, as
`application/x-www-form-urlencoded` or as `application/json` (multipart is for uploads and not
taken here). In queries and forms, objects are JSON text and numbers are digits.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from pydantic import JsonValue

from recado.devstack.standins.calls import Call
from recado.devstack.standins.telegram_errors import BadRequest

Params = Mapping[str, JsonValue]


def read_params(call: Call) -> Params:
    """The parameters of query and body together; the body's win.

    Raises BadRequest when the body says that it is JSON and is not a JSON object.
    """
    params: dict[str, JsonValue] = dict(call.query)
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not call.body:
        return params
    if content_type == "application/json":
        try:
            body: JsonValue = json.loads(call.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise BadRequest("can't parse JSON object")
        params |= body
    elif content_type == "application/x-www-form-urlencoded":
        form = call.body.decode("utf-8", errors="replace")
        params |= dict(parse_qsl(form, keep_blank_values=True))
    return params


def text(params: Params, name: str) -> str:
    """A text, empty when there is none; a number is taken as its digits.

    Raises BadRequest for an object, a list or a truth value, and for half a surrogate pair.
    """
    value = params.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRequest(f'field "{name}" must be of type String')
    given = str(value)
    try:
        given.encode()
    except UnicodeEncodeError:
        raise BadRequest("strings must be encoded in UTF-8") from None
    return given


def integer(params: Params, name: str) -> int | None:
    """A whole number, also as digits; None when there is none.

    Raises BadRequest for anything else.
    """
    given = text(params, name).strip()
    if not given:
        return None
    try:
        return int(given)
    except ValueError:
        raise BadRequest(f'field "{name}" must be a valid Number') from None


def parsed(params: Params, name: str, what: str) -> JsonValue:
    """An object or list, also as JSON text; None when there is none.

    Raises BadRequest when it can't be parsed.
    """
    value = params.get(name)
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        read: JsonValue = json.loads(value)
    except ValueError:
        raise BadRequest(f"can't parse {what} JSON object") from None
    return read
