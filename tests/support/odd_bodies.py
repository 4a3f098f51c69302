"""Bodies of the platforms' shapes, mutated: what a fuzz test posts."""

import json
import uuid
from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st
from pydantic import JsonValue

from support.ingress import body, change, message, status

Json: TypeAlias = dict[str, JsonValue]

SENDER = "34600000001"
MESSAGE = "777000777"
"""Stands for an id of Telegram's."""


def whatsapp_shapes() -> list[Json]:
    """What Meta posts: text, media, replies, places, reports, account-level changes."""
    typed: list[Json] = [
        {"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "caption": "Mi router"}},
        {"type": "audio", "audio": {"id": "2", "mime_type": "audio/ogg", "voice": True}},
        {"type": "location", "location": {"latitude": 4.6, "longitude": -74.1, "name": "Casa"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}},
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "si", "title": "Sí"}},
            "context": {"id": "wamid.Y", "from": "1"},
        },
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Ana"}, "phones": []}]},
        {"type": "unsupported", "errors": [{"code": 131051, "title": "Unsupported"}]},
    ]
    frame = {"from": SENDER, "timestamp": "1790000000"}
    shapes = [body([change({**frame, "id": f"wamid.{n}", **one})]) for n, one in enumerate(typed)]
    failed: Json = {**status(SENDER), "status": "failed", "errors": [{"code": 131047}]}
    return [
        body([change(message(SENDER), message(SENDER, "otra"))], [change(message(SENDER))]),
        *shapes,
        body([change(statuses=(status(SENDER), failed))]),
        body([{"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}]),
    ]


def telegram_shapes() -> list[Json]:
    """What Telegram posts."""
    chat: Json = {"id": 123456, "type": "private"}
    sender: Json = {"id": 123456, "is_bot": False, "first_name": "Ana", "username": "ana"}
    said: Json = {"message_id": int(MESSAGE), "date": 1790000000, "chat": chat, "from": sender}
    shapes: list[Json] = [
        {"message": {**said, "text": "Hola /ayuda", "entities": [{"type": "bold", "offset": 0}]}},
        {"edited_message": {**said, "edit_date": 1790000009, "text": "Hola otra vez"}},
        {"message": {**said, "photo": [{"file_id": "a", "width": 9}], "caption": "Mi router"}},
        {"message": {**said, "location": {"latitude": 4.6, "longitude": -74.1}}},
        {"callback_query": {"id": "9", "from": sender, "message": said, "data": "si"}},
        {"my_chat_member": {"chat": chat, "from": sender, "new_chat_member": {"status": "kicked"}}},
    ]
    return [{"update_id": int(MESSAGE), **shape} for shape in shapes]


JUNK: st.SearchStrategy[JsonValue] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", " ", ":", "\x00", "\u202e", "é" * 300, "9" * 40, "1e999", "-1"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "type", "from", "text"]), st.none(), max_size=2),
)

RAW: list[Callable[[bytes], bytes]] = [
    lambda raw: raw[: len(raw) // 2],
    lambda raw: raw[:-1],
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.replace(b'"', b"'"),
    lambda raw: raw.replace(b'"type"', b'"type":"x","type"'),
    lambda raw: raw.replace(b"Hola", b"\\ud800"),
    lambda raw: raw.replace(b"Hola", b"\xff\xfe"),
    lambda raw: raw.replace(b"1790000000", b"NaN"),
    lambda raw: raw.replace(b"1790000000", b"1e999"),
    lambda raw: raw.replace(b"1790000000", b"9" * 400),
    lambda raw: b"[" * 2000 + raw + b"]" * 2000,
    lambda raw: raw.replace(b"Hola", b'","deep":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b',"b":"'),
    lambda raw: raw + raw,
    lambda raw: raw.decode(errors="replace").encode("utf-16"),
    lambda _: b"",
    lambda _: b"null",
]
"""What no JSON writer makes."""


@st.composite
def mutated(draw: st.DrawFn, shapes: list[Json]) -> bytes:
    """One of the shapes with one to three changes, unlike every other."""
    mark = uuid.uuid4()
    written = json.dumps(draw(st.sampled_from(shapes)))
    # Ids that were never there, so that nothing is taken for a repeat.
    written = written.replace("wamid.", f"wamid.{mark.hex}").replace(MESSAGE, str(mark.int % 10**9))
    shape: JsonValue = json.loads(written)
    if isinstance(shape, dict):
        shape["mark"] = mark.hex
    for _ in range(draw(st.integers(0, 3))):
        places = _places(shape)
        container, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["replace", "remove", "repeat"])):
            case "replace":
                _put(container, key, draw(JUNK))
            case "remove":
                _remove(container, key)
            case _:
                _repeat(container, key)
    raw = json.dumps(shape, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        raw = draw(st.sampled_from(RAW))(raw)
    return raw


_Container: TypeAlias = dict[str, JsonValue] | list[JsonValue]
_Place: TypeAlias = tuple[_Container, str | int]


def _places(root: JsonValue) -> list[_Place]:
    found: list[_Place] = []
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            found += [(node, key) for key in node]
            todo += node.values()
        elif isinstance(node, list):
            found += [(node, index) for index in range(len(node))]
            todo += node
    return found


def _put(container: _Container, key: str | int, value: JsonValue) -> None:
    if isinstance(container, dict):
        container[str(key)] = value
    else:
        container[int(key)] = value


def _remove(container: _Container, key: str | int) -> None:
    if isinstance(container, dict):
        if str(key) != "mark":
            container.pop(str(key))
    else:
        container.pop(int(key))


def _repeat(container: _Container, key: str | int) -> None:
    if isinstance(container, list):
        container.extend([container[int(key)]] * 5)
    else:
        value = container[str(key)]
        if isinstance(value, list):
            container[str(key)] = [*value, *value]
        else:
            container[f"{key}2"] = value
