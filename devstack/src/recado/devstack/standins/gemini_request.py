"""The body of `generateContent`, read as strictly as the real API reads it.

Field names are taken in camelCase and snake_case (protobuf's JSON form); a name that is not known
is an error, and so are a wrong type, a wrong role and an empty part.

Source: ai.google.dev/api/generate-content (GenerateContentRequest, Content, Part,
GenerationConfig, SafetySetting).

InvalidRequest  the body can't be taken; the text is in the API's words
"""

import json
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from pydantic.alias_generators import to_camel

JsonObject = dict[str, JsonValue]


class InvalidRequest(Exception):
    """The body is not one that the API takes."""


class Message(BaseModel):
    """A message of the API's in JSON."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


AnyMessage = TypeVar("AnyMessage", bound=Message)

# Part's `data` is a union: exactly one of these is there.
_DATA = (
    "text",
    "inline_data",
    "file_data",
    "function_call",
    "function_response",
    "executable_code",
    "code_execution_result",
)


class Part(Message):
    """A piece of a content; only texts matter here."""

    text: str | None = None
    inline_data: JsonObject | None = None
    file_data: JsonObject | None = None
    function_call: JsonObject | None = None
    function_response: JsonObject | None = None
    executable_code: JsonObject | None = None
    code_execution_result: JsonObject | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    video_metadata: JsonObject | None = None


class Content(Message):
    """A turn; a content without a role is the user's."""

    role: str | None = None
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The texts of the parts, one after the other."""
        return "".join(part.text or "" for part in self.parts)


class GenerationConfig(Message):
    """How to generate; of these only the output's length, type and schema change the answer."""

    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    top_p: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    top_k: int | None = None
    candidate_count: Annotated[int, Field(ge=1, le=8)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    stop_sequences: Annotated[tuple[str, ...], Field(max_length=5)] | None = None
    response_mime_type: Literal["text/plain", "application/json", "text/x.enum"] | None = None
    response_schema: JsonObject | None = None
    response_json_schema: JsonObject | None = None
    response_modalities: tuple[str, ...] | None = None
    thinking_config: JsonObject | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    enable_enhanced_civic_answers: bool | None = None
    media_resolution: str | None = None
    speech_config: JsonObject | None = None

    @model_validator(mode="after")
    def _a_schema_needs_its_type(self) -> Self:
        schema = self.response_schema or self.response_json_schema
        if schema is not None and self.response_mime_type in (None, "text/plain"):
            raise ValueError("response_schema needs response_mime_type: application/json")
        return self


class SafetySetting(Message):
    """What to block."""

    category: str
    threshold: str


class GenerateContentRequest(Message):
    """All of it."""

    model: str | None = None
    contents: tuple[Content, ...] = ()
    system_instruction: Content | None = None
    generation_config: GenerationConfig = GenerationConfig()
    safety_settings: tuple[SafetySetting, ...] = ()
    tools: tuple[JsonObject, ...] = ()
    tool_config: JsonObject | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None


def read_request(raw: bytes) -> GenerateContentRequest:
    """Read and check a body.

    Raises InvalidRequest.
    """
    request = read_message(GenerateContentRequest, raw)
    _check_contents(request)
    return request


def read_message(kind: type[AnyMessage], raw: bytes) -> AnyMessage:
    """Read a body of this kind. Raises InvalidRequest."""
    try:
        body: JsonValue = json.loads(raw)
    except ValueError:
        raise InvalidRequest("Invalid JSON payload received. Unexpected token.") from None
    try:
        return kind.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(_in_its_words(invalid)) from None


def _in_its_words(invalid: ValidationError) -> str:
    first = invalid.errors(include_url=False, include_input=False)[0]
    where = [str(each) for each in first["loc"]]
    if first["type"] == "extra_forbidden":
        at = f" at '{'.'.join(where[:-1])}'" if where[:-1] else ""
        return f'Invalid JSON payload received. Unknown name "{where[-1]}"{at}: Cannot find field.'
    return f"Invalid value at '{'.'.join(where)}': {first['msg']}"


def _check_contents(request: GenerateContentRequest) -> None:
    if not request.contents:
        raise InvalidRequest("* GenerateContentRequest.contents: contents is not specified")
    if request.cached_content is not None:
        raise InvalidRequest("CachedContent not found (or permission denied)")
    for index, content in enumerate(request.contents):
        if content.role not in (None, "user", "model"):
            raise InvalidRequest("Please use a valid role: user, model.")
        check_parts(content, f"GenerateContentRequest.contents[{index}]")
    if request.system_instruction is not None:
        check_parts(request.system_instruction, "GenerateContentRequest.system_instruction")


def check_parts(content: Content, where: str) -> None:
    """Raise InvalidRequest if there is no part, or one without data."""
    if not content.parts:
        raise InvalidRequest(f"* {where}.parts: contents.parts must not be empty.")
    for index, part in enumerate(content.parts):
        given = sum(getattr(part, name) not in (None, "") for name in _DATA)
        if given != 1:
            raise InvalidRequest(
                f"* {where}.parts[{index}].data: required oneof field 'data' must have one"
                " initialized field"
            )
