"""The text that the stand-in generates: by rule, the same for the same prompt.

A prompt with numbered sources (a line that begins with `[1]`) is answered in Spanish by quoting the
first sentence of the first source and citing it. A prompt without is echoed: its last line comes
back, so that a rewriting of a question to stand alone leaves it as it was. When JSON is asked for,
the text fills the strings of the schema.
"""

import json
import math
import re
from collections.abc import Iterable

from pydantic import JsonValue

from recado.devstack.standins.gemini_request import Content, GenerateContentRequest

_LONGEST_QUOTE = 400
_CHARACTERS_A_TOKEN = 4

_SOURCE = re.compile(r"^[ \t]*(?:[-*#>]+[ \t]*)?\[(?P<number>\d+)\]", re.MULTILINE)
_DECORATION = re.compile(r"^(?:[-*+>]\s+|\d+[.)]\s+)")
_SENTENCE = re.compile(r".+?[.!?…](?=\s|$)", re.DOTALL)
_ENDS_A_SENTENCE = re.compile(r"[.!?…:;]$")


def generate(request: GenerateContentRequest) -> str:
    """The text of the answer, before it is cut to the number of tokens asked for."""
    quote = first_sentence_of_first_source(_newest_first(request))
    if quote is not None:
        text = f"Según la información disponible: {quote} [1]"
    else:
        text = _last_line(request.contents)
    settings = request.generation_config
    if settings.response_mime_type == "application/json":
        schema = settings.response_schema or settings.response_json_schema
        return json.dumps(_filled(schema, text), ensure_ascii=False)
    return text


def first_sentence_of_first_source(texts: Iterable[str]) -> str | None:
    """The first sentence below `[1]` in the first text that has it; None without one.

    Headings, and a title on a line of its own, are passed over.
    """
    for text in texts:
        marks = list(_SOURCE.finditer(text))
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        for mark, end in zip(marks, ends, strict=False):
            sentence = _first_sentence(text[mark.end() : end])
            if mark["number"] == "1" and sentence:
                return sentence
    return None


def tokens(text: str) -> int:
    """A rough count: one token for four characters, at least one for any text."""
    return math.ceil(len(text) / _CHARACTERS_A_TOKEN)


def cut(text: str, most: int) -> str:
    """As much of the text as fits that many tokens."""
    return text[: most * _CHARACTERS_A_TOKEN]


def _newest_first(request: GenerateContentRequest) -> list[str]:
    texts = [content.text for content in reversed(request.contents)]
    if request.system_instruction is not None:
        texts.append(request.system_instruction.text)
    return texts


def _first_sentence(source: str) -> str:
    lines = [line.strip() for line in source.strip().splitlines()]
    lines = [_DECORATION.sub("", line) for line in lines if line and not line.startswith("#")]
    if len(lines) > 1 and not _ENDS_A_SENTENCE.search(lines[0]):
        lines = lines[1:]
    flat = " ".join(lines)
    sentence = _SENTENCE.match(flat)
    return (sentence.group() if sentence else flat)[:_LONGEST_QUOTE].strip()


def _last_line(contents: tuple[Content, ...]) -> str:
    lines = [line.strip() for line in contents[-1].text.splitlines() if line.strip()]
    return lines[-1] if lines else "Sin texto."


def _filled(schema: JsonValue, text: str) -> JsonValue:
    """A value that fits a schema (OpenAPI's upper-case or JSON Schema's lower-case types)."""
    if not isinstance(schema, dict):
        return {"text": text}
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    match str(schema.get("type", "string")).lower():
        case "object":
            properties = schema.get("properties")
            if not isinstance(properties, dict):
                return {}
            return {name: _filled(each, text) for name, each in properties.items()}
        case "array":
            return [_filled(schema.get("items"), text)]
        case "integer":
            return 1
        case "number":
            return 1.0
        case "boolean":
            return True
        case _:
            return text
