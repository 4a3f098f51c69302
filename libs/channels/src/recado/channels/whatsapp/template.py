"""What is sent when the customer service window is closed: a template.

Meta takes nothing else then (131047). Templates are written in Meta's manager and approved there;
Recado knows one by name and language, and puts the answer's text into the parameter of its body.

A parameter holds no line break, no tab and no more than four blanks in a row, and the body at most
1,024 characters with it (Meta, message templates). So the text goes as one line, without styles,
and one that is too long as several messages.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from recado.channels.contract import Part
from recado.channels.markup import StyledText, read_markdown
from recado.channels.payload import JsonObject
from recado.channels.splitting import split, utf16_length
from recado.schemas.deliveries import Template

MAX_BODY_LENGTH = 1024


class OutsideWindow(BaseModel):
    """A template in the integrations file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$")]
    """As Meta writes it: `es`, `es_AR`."""
    carries_text: bool = True
    """Its body has one parameter, which the answer's text goes into. If not, it has none: it only
    asks the customer to write, and is sent once until they do."""
    text_parameter: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] | None = None
    """That parameter's name, where Meta knows it by a name; by default it is `{{1}}`."""
    max_text: Annotated[int, Field(ge=20, le=MAX_BODY_LENGTH)] = 900
    """Characters of the answer in one message: 1,024 less the template's own words."""

    def format(self, text: str) -> tuple[Part, ...]:
        """The answer in parts that each are one message."""
        template = Template(
            name=self.name,
            language=self.language,
            text_parameter=self.text_parameter,
            carries_text=self.carries_text,
        )
        line = " ".join(read_markdown(text, links=lambda _: False).text.split())
        if not self.carries_text:
            return (Part(text=self.name, template=template),) if line else ()
        pieces = split(StyledText(line), self.max_text, utf16_length)
        return tuple(Part(text=piece.text, template=template) for piece in pieces)


def as_sent(template: Template, text: str) -> JsonObject:
    """The value of `template` in a message (Meta, message templates)."""
    sent: JsonObject = {"name": template.name, "language": {"code": template.language}}
    if template.carries_text:
        parameter: JsonObject = {"type": "text", "text": text}
        if template.text_parameter is not None:
            parameter["parameter_name"] = template.text_parameter
        sent["components"] = [{"type": "body", "parameters": [parameter]}]
    return sent
