"""What the `template` of a message must look like.

Source: Meta's developer documents on business messaging / WhatsApp, message templates: `name`,
`language.code`, `components` with `parameters`; the text of a parameter has no line break, no tab
and no more than four blanks in a row, and a body at most 1,024 characters.

The stand-in knows no templates: a template of any name is there, in any language.
"""

import re

from pydantic import JsonValue

LONGEST_BODY = 1024

_NOT_IN_A_PARAMETER = re.compile(r"[\n\r\t]| {5}")


class InvalidTemplate(Exception):
    """The shape is wrong; the text is that of the Graph API."""


def read_template(template: JsonValue) -> tuple[str, str]:
    """A template's name and what is filled in; its name where nothing is.

    Raises InvalidTemplate.
    """
    if not isinstance(template, dict):
        raise InvalidTemplate("Param template must be a JSON object.")
    name = template.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidTemplate("The parameter template['name'] is required.")
    language = template.get("language")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        raise InvalidTemplate("The parameter template['language']['code'] is required.")
    components = template.get("components", [])
    if not isinstance(components, list):
        raise InvalidTemplate("Param template['components'] must be an array.")
    filled = " ".join(text for component in components for text in _filled_in(component))
    if len(filled) > LONGEST_BODY:
        raise InvalidTemplate(f"Param template: the body is longer than {LONGEST_BODY} characters.")
    return name, filled or name


def _filled_in(component: JsonValue) -> list[str]:
    parameters = component.get("parameters", []) if isinstance(component, dict) else None
    if not isinstance(component, dict) or component.get("type") not in {"header", "body"}:
        raise InvalidTemplate("Param template['components'][0]['type'] must be one of {BODY, ...}")
    if not isinstance(parameters, list):
        raise InvalidTemplate("Param template['components'][0]['parameters'] must be an array.")
    return [_text(parameter) for parameter in parameters]


def _text(parameter: JsonValue) -> str:
    text = parameter.get("text") if isinstance(parameter, dict) else None
    if not isinstance(parameter, dict) or parameter.get("type") != "text":
        raise InvalidTemplate("Param type must be one of {TEXT}: the stand-in takes no other.")
    if not isinstance(text, str) or not text:
        raise InvalidTemplate("The parameter text is required.")
    if _NOT_IN_A_PARAMETER.search(text):
        raise InvalidTemplate(
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        )
    return text
