"""WhatsApp later than 24 hours after the customer wrote: templates."""

import re
from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.channels.contract import Part
from recado.channels.integrations import parse_integrations
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.template import OutsideWindow
from recado.schemas.conversations import Recipient

from .wire import ACCEPTED, NUMBER, USER_ID, answering, send

CARRYING = OutsideWindow(name="respuesta", language="es_AR")
ASKING = OutsideWindow(name="escribenos", language="es", carries_text=False)


async def _posted(whatsapp: WhatsAppIntegration, part: Part, to: Recipient) -> dict[str, object]:
    wire = answering(200, ACCEPTED)
    await send(whatsapp, wire, USER_ID if to is Recipient.USER_ID else NUMBER, part)
    body: dict[str, object] = orjson.loads(wire.requests[0].content)
    return body


async def test_a_template_is_sent_by_its_name_with_the_answer_in_its_body(
    whatsapp: WhatsAppIntegration,
) -> None:
    (part,) = CARRYING.format("**Hola**,\n\n- uno\n- dos")
    body = await _posted(whatsapp, part, Recipient.USER_ID)
    assert (body["type"], body["recipient"]) == ("template", "PE.77")
    assert "text" not in body
    assert body["biz_opaque_callback_data"] == "answer:0:key"
    assert body["template"] == {
        "name": "respuesta",
        "language": {"code": "es_AR"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": part.text}]}],
    }
    assert part.text.startswith("Hola, ")
    assert "\n" not in part.text


async def test_a_named_parameter_is_named(whatsapp: WhatsAppIntegration) -> None:
    named = CARRYING.model_copy(update={"text_parameter": "respuesta"})
    (part,) = named.format("Hola")
    body = await _posted(whatsapp, part, Recipient.PHONE)
    parameter = {"type": "text", "text": "Hola", "parameter_name": "respuesta"}
    assert isinstance(body["template"], dict)
    assert body["template"]["components"] == [{"type": "body", "parameters": [parameter]}]


async def test_a_template_that_only_asks_to_write_carries_nothing(
    whatsapp: WhatsAppIntegration,
) -> None:
    (part,) = ASKING.format("Una respuesta " * 500)
    body = await _posted(whatsapp, part, Recipient.PHONE)
    assert body["template"] == {"name": "escribenos", "language": {"code": "es"}}
    assert ASKING.format(" \n ") == ()


@given(text=st.text(max_size=4000))
def test_what_a_parameter_may_not_hold_is_not_in_it_and_no_word_is_lost(text: str) -> None:
    """Whatever the text: short lines without breaks, tabs or many blanks."""
    template = OutsideWindow(name="t", language="es", max_text=100)
    parts = template.format(text)
    for part in parts:
        assert not re.search(r"[\n\r\t\v\f]| {2}", part.text)
        assert len(part.text.encode("utf-16-le")) // 2 <= 100
        assert Part.model_validate_json(part.model_dump_json()) == part
    assert template.format(text) == parts


def test_long_answers_go_as_several_messages_without_losing_a_word() -> None:
    words = [f"palabra{number}" for number in range(400)]
    parts = CARRYING.format(" ".join(words))
    assert len(parts) > 1
    assert " ".join(part.text for part in parts).split() == words


def test_without_a_template_nothing_can_be_sent_outside_the_window(
    whatsapp: WhatsAppIntegration,
) -> None:
    assert whatsapp.reply_window == timedelta(hours=24)
    assert whatsapp.format_outside_window("Hola") == ()


FILE = """
integrations:
  - name: wa
    platform: whatsapp
    phone_number_id: "1"
    access_token: t
    app_secret: s
    verify_token: v
    outside_window:
      name: respuesta
      language: es
      carries_text: {carries}
      max_text: 800
"""


@pytest.mark.parametrize(("carries", "expected"), [("true", True), ("false", False)])
def test_it_is_configured_in_the_integrations_file(carries: str, expected: bool) -> None:
    read = parse_integrations(FILE.format(carries=carries).encode(), "integrations.yaml", {})
    (one,) = read.of("whatsapp")
    (part,) = one.format_outside_window("Hola")
    assert part.template is not None
    assert (part.template.name, part.template.carries_text) == ("respuesta", expected)
