"""Random valid updates of Telegram, made from aiogram's own types."""

from random import Random

from hypothesis import strategies as st
from pydantic import JsonValue

from support.from_schema import Json, Values, some_of

HALF = 0.5
CAPTIONED = ("photo", "video", "animation", "audio", "voice", "document", "live_photo")

WITH_A_MESSAGE = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message",
    "edited_business_message", "callback_query",
)  # fmt: skip


@st.composite
def updates(draw: st.DrawFn, about: Json) -> Json:
    """An update of any of aiogram's kinds."""
    schema = about["schema"]
    assert isinstance(schema, dict)
    definitions, kinds = schema["$defs"], schema["properties"]
    assert isinstance(definitions, dict)
    assert isinstance(kinds, dict)
    random = draw(st.randoms(use_true_random=True))
    values = Values(definitions, random)
    # The kinds with a message in them come up as often as all the others together.
    names = [*WITH_A_MESSAGE, *WITH_A_MESSAGE, *(kinds.keys() - {"update_id"})]
    name = random.choice(sorted(names))
    if name in WITH_A_MESSAGE and name != "callback_query":
        content: JsonValue = draw(messages(about, values, random, edited=name.startswith("edited")))
    else:
        content = values.of(kinds[name], draw)
    return {"update_id": draw(st.integers(1, 2**31)), name: content}


@st.composite
def messages(draw: st.DrawFn, about: Json, values: Values, random: Random, *, edited: bool) -> Json:
    """A message of one content, as Telegram sends them, and some of what may come with any."""
    schema, contents = about["schema"], about["contents"]
    assert isinstance(schema, dict)
    assert isinstance(contents, list)
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    definition = definitions["Message"]
    assert isinstance(definition, dict)
    properties = definition["properties"]
    assert isinstance(properties, dict)
    held = sorted(properties.keys() & {str(one) for one in contents})
    kind = random.choice([*held, *["text"] * 10])
    beside = properties.keys() - set(held) - {"caption", "caption_entities", "message_id"}
    chosen = some_of(beside, 5, random)
    captioned = kind in CAPTIONED and random.random() < HALF
    found = values.fields(
        definition,
        draw,
        chosen=[
            *(["edit_date"] if edited else []), *chosen, kind, *(["caption"] if captioned else [])
        ],
    )  # fmt: skip
    found["chat"] = values.object("Chat", draw, depth=3)
    if random.random() < HALF:
        found["from"] = values.object("User", draw, depth=2)
    return found
