"""Whether a JSON text names a key twice in one object.

Parsers do not agree on what such a text says: orjson takes the last value, others the first. What
is read and what a proxy or another consumer of the same body reads would be two things.

Counted, not parsed anew: in valid JSON outside of strings a colon stands after each key, and
nowhere else. A key that was named twice is once in what orjson made of the text, so that the text
has more colons than keys were read.
"""

import re

import orjson
from pydantic import JsonValue

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')


def has_repeated_key(body: bytes, value: JsonValue) -> bool:
    """Exactly that. `body` is valid JSON, and `value` what orjson read there.

    Most bodies are decided by counting all colons of the body and of the value written again. Those
    in strings count on both sides alike, unless one is an escape in the body.
    """
    # The first question answers for nearly all bodies what the other two ask.
    if b"\\u003" not in body or (b"\\u003a" not in body and b"\\u003A" not in body):
        try:
            return body.count(b":") != orjson.dumps(value).count(b":")
        except orjson.JSONEncodeError:
            pass  # nested deeper than it writes, though not than it reads
    return _STRING.sub(b"", body).count(b":") != _keys_in(value)


def _keys_in(value: JsonValue) -> int:
    """How many keys there are, at every depth."""
    keys = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            keys += len(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return keys
