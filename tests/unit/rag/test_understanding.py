"""What is answered, and as what."""

import pytest
from pydantic import JsonValue

from recado.rag.commands import Command, command_in
from recado.rag.smalltalk import Courtesy, courtesy_in
from recado.rag.understanding import Question, Unreadable, understand, wants_answer
from recado.schemas.webhooks import MessageKind
from unit.rag.fakes import message


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/start", Command.START),
        ("/start payload", Command.START),
        ("/ayuda", Command.HELP),
        ("/HELP", Command.HELP),
        ("/Reset@fibralia_demo_bot", Command.RESET),
        ("  /reset\n", Command.RESET),
        ("/otra", None),
        ("/ayudame", None),
        ("necesito /ayuda", None),
        ("start", None),
        ("BAJA", Command.OPT_OUT),
        (" baja.", Command.OPT_OUT),
        ("/baja", Command.OPT_OUT),
        ("Stop!", Command.OPT_OUT),
        ("ALTA", Command.OPT_IN),
        ("/alta@demo_bot", Command.OPT_IN),
        ("quiero dar de baja el servicio", None),
        ("baja velocidad", None),
        ("¿baja?", None),
    ],
)
def test_commands_with_and_without_the_bot_s_name_in_any_case(
    text: str, command: Command | None
) -> None:
    assert command_in(text) is command


@pytest.mark.parametrize(
    ("text", "courtesy"),
    [
        ("Hola", Courtesy.GREETING),
        ("¡Hola, buenos días! 👋", Courtesy.GREETING),
        ("muchas gracias!!", Courtesy.THANKS),
        ("ok gracias", Courtesy.THANKS),
        ("gracias, adiós", Courtesy.GOODBYE),
        ("Hola, no tengo internet", None),
        ("gracias pero sigue lento", None),
        ("", None),
    ],
)
def test_only_what_is_nothing_else_is_a_courtesy(text: str, courtesy: Courtesy | None) -> None:
    assert courtesy_in(text) is courtesy


@pytest.mark.parametrize(
    "kind", [MessageKind.REACTION, MessageKind.REVOKE, MessageKind.SYSTEM, MessageKind.EDIT]
)
def test_reactions_revocations_system_messages_and_edits_want_no_answer(kind: MessageKind) -> None:
    assert not wants_answer(message("texto", kind=kind))


def test_an_unknown_kind_wants_an_answer_if_a_customer_wrote_it_or_it_has_text() -> None:
    written = message(None, kind=MessageKind.OTHER, raw={"from": {"id": 1}, "dice": {"value": 3}})
    assert wants_answer(written)
    assert wants_answer(message("hola", kind=MessageKind.OTHER))
    boosted = message(None, kind=MessageKind.OTHER, raw={"chat": {"id": 1}, "boost": {}})
    assert not wants_answer(boosted)


def test_an_unknown_kind_of_somebody_without_a_number_wants_an_answer() -> None:
    raw: dict[str, JsonValue] = {"from_user_id": "AR.1", "hologram": {}}
    assert wants_answer(message(None, kind=MessageKind.OTHER, raw=raw))


def test_what_was_not_said_to_the_assistant_wants_no_answer() -> None:
    """In a group people talk to each other, and in a business's chat its owner may write."""
    said = message("¿Alguien tiene señal?")
    assert wants_answer(said)
    assert not wants_answer(said.model_copy(update={"addressed": False}))


@pytest.mark.parametrize(
    "kind", [MessageKind.CALLBACK, MessageKind.BUTTON, MessageKind.INTERACTIVE, MessageKind.TEXT]
)
def test_the_title_of_a_button_is_read_like_text(kind: MessageKind) -> None:
    assert understand([message("Ver mi factura", kind=kind)]) == Question("Ver mi factura")


@pytest.mark.parametrize(
    ("kind", "notice"),
    [
        (MessageKind.VOICE, "voice_unreadable"),
        (MessageKind.AUDIO, "voice_unreadable"),
        (MessageKind.IMAGE, "image_unreadable"),
        (MessageKind.STICKER, "image_unreadable"),
        (MessageKind.LOCATION, "other_unreadable"),
        (MessageKind.DOCUMENT, "other_unreadable"),
        (MessageKind.UNSUPPORTED, "other_unreadable"),
        (MessageKind.TEXT, "other_unreadable"),
    ],
)
def test_what_can_t_be_read_gets_its_line(kind: MessageKind, notice: str) -> None:
    assert understand([message(None, kind=kind)]) == Unreadable(notice)
    assert understand([message("  \n", kind=kind)]) == Unreadable(notice)


def test_a_caption_is_a_question_and_the_file_is_not_forgotten() -> None:
    asked = understand([message("¿Qué es esta luz?", kind=MessageKind.IMAGE)])
    assert asked == Question("¿Qué es esta luz?", attachment=True)


def test_several_messages_are_one_question_without_the_courtesies() -> None:
    asked = understand([message("hola"), message("no tengo internet"), message("desde ayer")])
    assert asked == Question("no tengo internet\ndesde ayer")


def test_a_command_at_the_end_is_what_is_answered() -> None:
    assert understand([message("hola"), message("/reset")]) is Command.RESET


def test_nothing_but_courtesies_is_the_last_of_them() -> None:
    assert understand([message("hola"), message("gracias")]) is Courtesy.THANKS
