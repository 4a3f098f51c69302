"""Random JSON values of a JSON Schema, as hypothesis strategies: as much of it as two parsers need.

Objects hold what is required, what is constant, and a few of the optional fields; the deeper, the
fewer. Texts are words without blanks, for most strings of a platform are ids and codes; fields that
people write into are sentences.

Which fields and which kinds there are is drawn evenly, from a `Random` that hypothesis seeds: left
to hypothesis they are the same few over and over, and the seldom ones never come up.
"""

from collections.abc import Iterable, Mapping
from random import Random

from hypothesis import strategies as st
from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
Json = dict[str, JsonValue]

WRITTEN = frozenset(
    {"text", "caption", "title", "name", "first_name", "last_name", "formatted_name", "question",
     "body", "headline", "address", "description", "data"}
)  # fmt: skip
"""Fields that people write into."""
DEEPEST = 3
MOST_OPTIONAL = 3

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
WORDS = st.text(LETTERS, min_size=1, max_size=12)
SENTENCES = st.text(
    st.sampled_from("abc ñé¿?¡😀\n*_/@.,0"), min_size=1, max_size=30
).filter(lambda text: bool(text.strip()))  # fmt: skip
NUMBERS = st.integers(1, 2**31 - 1)
DATES = st.integers(1_700_000_000, 1_900_000_000)


class Values:
    """Draws values of the definitions of one schema."""

    def __init__(self, definitions: Mapping[str, JsonValue], random: Random) -> None:
        self._definitions = definitions
        self._random = random

    def of(
        self, schema: JsonValue, draw: st.DrawFn, *, name: str = "", depth: int = 0
    ) -> JsonValue:
        """A value of the schema; `name` is the field's."""
        assert isinstance(schema, dict)
        if "$ref" in schema:
            named = str(schema["$ref"]).rpartition("/")[2]
            definition = self._definitions[named]
            assert isinstance(definition, dict)
            if "properties" in definition:
                return self.object(named, draw, depth=depth)
            # A definition that holds itself, such as text in text: its first way ends.
            ways = definition.get("anyOf")
            return self.of(ways[0] if isinstance(ways, list) else definition, draw, depth=depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(choices := schema.get("enum"), list):
            return self._random.choice(choices)
        ways = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(ways, list):
            told = [one for one in ways if isinstance(one, dict) and one.get("type") != "null"]
            return self.of(self._random.choice(told), draw, name=name, depth=depth)
        match schema.get("type"):
            case "integer":
                return draw(DATES if name.endswith("date") else NUMBERS)
            case "number":
                return draw(st.floats(-90, 90, allow_nan=False))
            case "boolean":
                return True  # what Telegram leaves out it does not send as false
            case "string" if schema.get("format") == "date-time":
                return draw(DATES)
            case "string":
                return draw(SENTENCES if name in WRITTEN else WORDS)
            case "array":
                count = self._random.randint(1, 2)
                items = schema["items"]
                return [self.of(items, draw, name=name, depth=depth + 1) for _ in range(count)]
            case "object":
                return self.fields(schema, draw, depth=depth)
            case _:
                return draw(WORDS)

    def object(self, name: str, draw: st.DrawFn, *, depth: int = 0) -> Json:
        """A value of a definition."""
        definition = self._definitions[name]
        assert isinstance(definition, dict)
        found = self.fields(definition, draw, depth=depth)
        if name == "Chat":
            found["type"] = self._random.choice(["private", "group", "supergroup", "channel"])
        return found

    def fields(
        self,
        schema: Schema,
        draw: st.DrawFn,
        *,
        depth: int = 0,
        chosen: Iterable[str] | None = None,
    ) -> Json:
        """An object with the required fields and these optional ones, or some."""
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        required = schema.get("required")
        wanted = list(required) if isinstance(required, list) else []
        wanted += [
            key for key, one in properties.items() if isinstance(one, dict) and "const" in one
        ]
        if chosen is None:
            optional = sorted(properties.keys() - set(map(str, wanted)))
            most = MOST_OPTIONAL if depth < DEEPEST else 0
            chosen = some_of(optional, most, self._random)
        return {
            key: self.of(properties[key], draw, name=key, depth=depth + 1)
            for key in dict.fromkeys([*map(str, wanted), *chosen])
        }


def some_of(names: Iterable[str], most: int, random: Random) -> list[str]:
    """So many of the names at most, evenly drawn."""
    known = sorted(names)
    return random.sample(known, random.randint(0, min(most, len(known))))
