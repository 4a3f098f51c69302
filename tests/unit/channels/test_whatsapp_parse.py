"""WhatsApp: everything in a post becomes an event of the integration that it names."""

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from recado.channels.contract import NOT_NAMED
from recado.channels.whatsapp import WhatsAppIntegration
from recado.schemas import ids
from recado.schemas.conversations import Recipient
from recado.schemas.webhooks import DeliveryStatus, MessageKind

from .whatsapp_posts import NOW, Json, of_type, post, read, text, value

CURL = (
    b'{"entry":[{"changes":[{"value":{"messages":'
    b'[{"from":"1234567890","text":{"body":"Hola"}}]}}]}]}'
)


def test_a_text_message_is_read_in_full(whatsapp: WhatsAppIntegration) -> None:
    contact: Json = {"profile": {"name": "Ana", "username": "ana_p"}, "wa_id": "51900"}
    message: Json = {**text("51900", "wamid.A="), "context": {"id": "wamid.before"}}
    found = read(post(value(contacts=[contact], messages=[message])), whatsapp)
    (event,) = found.messages
    assert event.id == ids.message_id("wa", "message", "51900", "wamid.A=")
    assert event.conversation == "whatsapp:wa:51900"
    assert event.reply_to.chat == "51900"
    assert event.reply_to.recipient is Recipient.PHONE
    assert (event.user.id, event.user.name, event.user.username) == ("51900", "Ana", "ana_p")
    assert event.user.aliases == ()
    assert event.kind is MessageKind.TEXT
    assert (event.text, event.raw, event.platform_kind) == ("Hola", None, "text")
    assert event.sent_at == datetime.fromtimestamp(1764700000, UTC)
    assert event.occurred_at == NOW
    assert event.quoted_message_id == "wamid.before"
    assert (found.event_type, found.integration, found.problems) == ("message", "wa", ())


def test_all_entries_changes_messages_and_statuses_of_a_post_are_taken(
    whatsapp: WhatsAppIntegration,
) -> None:
    status: Json = {"id": "wamid.S", "status": "read", "timestamp": "1", "recipient_id": "4"}
    body = post(
        value(messages=[text("1", "a"), text("2", "b")], statuses=[status]),
        value(messages=[text("3", "c"), text("1", "d")]),
    )
    found = read(body, whatsapp)
    assert [one.platform_message_id for one in found.messages] == ["a", "b", "c", "d"]
    assert [one.platform_message_id for one in found.statuses] == ["wamid.S"]


def test_the_number_chooses_the_integration_and_an_unknown_one_is_named(
    whatsapp: WhatsAppIntegration,
) -> None:
    other = whatsapp.model_copy(update={"name": "wb", "phone_number_id": "2"})
    body = post(
        value("2", messages=[text("1", "a")]),
        value(messages=[text("1", "b")]),
        value("3", messages=[text("1", "c")]),
    )
    found = read(body, whatsapp, other)
    assert [one.reply_to.integration for one in found.messages] == ["wb", "wa"]
    assert found.unknown_integrations == ("3",)
    assert found.integration is None
    assert found.messages[0].id != found.messages[1].id


def test_a_hand_written_body_is_read_in_development_mode_with_fresh_ids(
    whatsapp: WhatsAppIntegration,
) -> None:
    developing = whatsapp.model_copy(update={"development": True})
    (first,), (second,) = read(CURL, developing).messages, read(CURL, developing).messages
    assert (first.text, first.kind, first.user.id) == ("Hola", MessageKind.TEXT, "1234567890")
    assert first.platform_message_id is None
    assert first.sent_at is None
    assert first.id != second.id
    assert first.conversation == second.conversation


def test_a_body_without_metadata_is_nobodys_outside_development_or_with_two_candidates(
    whatsapp: WhatsAppIntegration,
) -> None:
    developing = whatsapp.model_copy(update={"development": True})
    for integrations in ((whatsapp,), (developing, developing), ()):
        found = read(CURL, *integrations)
        assert found.messages == ()
        assert found.unknown_integrations == (NOT_NAMED,)
        assert found.event_type == "message"


@pytest.mark.parametrize(
    ("message", "kind", "words", "quoted"),
    [
        (of_type("image", {"id": "m", "caption": "mira"}), MessageKind.IMAGE, "mira", None),
        (of_type("video", {"id": "m"}), MessageKind.VIDEO, None, None),
        (of_type("audio", {"id": "m", "voice": True}), MessageKind.VOICE, None, None),
        (of_type("audio", {"id": "m", "voice": False}), MessageKind.AUDIO, None, None),
        (of_type("document", {"caption": "pdf"}), MessageKind.DOCUMENT, "pdf", None),
        (of_type("sticker", {"id": "m"}), MessageKind.STICKER, None, None),
        (of_type("location", {"latitude": 1.5}), MessageKind.LOCATION, None, None),
        (of_type("contacts", [{"name": {}}]), MessageKind.CONTACTS, None, None),
        (of_type("reaction", {"message_id": "w", "emoji": "👍"}), MessageKind.REACTION, None, "w"),
        (of_type("button", {"text": "Sí", "payload": "p"}), MessageKind.BUTTON, "Sí", None),
        (
            of_type("interactive", {"type": "button_reply", "button_reply": {"title": "Uno"}}),
            MessageKind.INTERACTIVE, "Uno", None,
        ),
        (
            of_type("interactive", {"type": "list_reply", "list_reply": {"title": "Dos"}}),
            MessageKind.INTERACTIVE, "Dos", None,
        ),
        (of_type("order", {"text": "dos"}), MessageKind.ORDER, "dos", None),
        (
            of_type(
                "edit",
                {"original_message_id": "w", "message": {"type": "text", "text": {"body": "no"}}},
            ),
            MessageKind.EDIT, "no", "w",
        ),
        (of_type("revoke", {"original_message_id": "w"}), MessageKind.REVOKE, None, "w"),
        (of_type("system", {"type": "user_changed_number"}), MessageKind.SYSTEM, None, None),
        (
            of_type("unsupported", {}, errors=[{"code": 131051}]),
            MessageKind.UNSUPPORTED, None, None,
        ),
        (of_type("hologram", {"id": "m"}), MessageKind.OTHER, None, None),
        (of_type("text", {"body": "  "}), MessageKind.OTHER, None, None),
        (of_type("text", None), MessageKind.OTHER, None, None),
    ],
)  # fmt: skip
def test_every_kind_is_named_and_kept_as_it_came(
    whatsapp: WhatsAppIntegration,
    message: Json,
    kind: MessageKind,
    words: str | None,
    quoted: str | None,
) -> None:
    (event,) = read(post(value(messages=[message])), whatsapp).messages
    assert (event.kind, event.text, event.quoted_message_id) == (kind, words, quoted)
    assert event.platform_kind == message["type"]
    assert event.raw == message


def test_a_status_is_read_with_its_callback_data_and_errors(whatsapp: WhatsAppIntegration) -> None:
    status: Json = {
        "id": "wamid.S",
        "status": "failed",
        "timestamp": "1764700000",
        "recipient_id": "51900",
        "recipient_user_id": "PE.77",
        "biz_opaque_callback_data": "answer:0:key",
        "errors": [
            {"code": 131026, "title": "Undeliverable", "error_data": {"details": "old app"}},
            "not an error",
        ],
    }
    found = read(post(value(statuses=[status])), whatsapp)
    (event,) = found.statuses
    assert found.event_type == "status"
    assert event.id == ids.status_id("wa", "wamid.S", "failed", event.reported_at)
    assert event.status is DeliveryStatus.FAILED
    assert event.conversation == "whatsapp:wa:PE.77"
    assert event.callback_data == "answer:0:key"
    assert [(one.code, one.title, one.message) for one in event.errors] == [
        (131026, "Undeliverable", "old app")
    ]


def test_a_status_that_names_nobody_is_still_a_report_on_its_message(
    whatsapp: WhatsAppIntegration,
) -> None:
    status: Json = {"id": "wamid.S", "status": "read", "timestamp": "1"}
    (event,) = read(post(value(statuses=[status])), whatsapp).statuses
    assert event.platform_message_id == "wamid.S"
    assert event.conversation == "whatsapp:wa:status-of-wamid.S"


def test_a_status_that_has_no_name_of_ours_is_named_and_costs_no_other(
    whatsapp: WhatsAppIntegration,
) -> None:
    """Meta may add one any day. Its word is not in the problem, which is kept and logged."""
    report: Json = {"id": "a", "timestamp": "1", "recipient_id": "1"}
    words: list[JsonValue] = ["teleported", "read", "t" * 500, "teleported", 7, None, " "]
    body = post(value(statuses=[{**report, "status": one} for one in words]))
    found = read(body, whatsapp)
    assert [one.status for one in found.statuses] == ["read"]
    assert found.unknown_kinds == ("status_teleported", f"status_{'t' * 64}", "status_teleported")
    assert len(found.problems) == 6
    assert "teleported" not in "".join(found.problems)


def test_of_very_many_unknown_statuses_the_first_are_named(whatsapp: WhatsAppIntegration) -> None:
    report: JsonValue = {"id": "a", "timestamp": "1", "status": "teleported"}
    found = read(post(value(statuses=[report] * 3000)), whatsapp)
    assert len(found.unknown_kinds) == 1000


def test_a_change_of_the_account_is_named_and_has_no_messages(
    whatsapp: WhatsAppIntegration,
) -> None:
    found = read(post({"event": "APPROVED"}, field="message_template_status_update"), whatsapp)
    assert found.event_type == "message_template_status_update"
    assert (found.messages, found.unknown_integrations, found.problems) == ((), (), ())
