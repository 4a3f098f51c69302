"""WhatsApp: who wrote, by user id, number or contact."""

from pydantic import JsonValue

from recado.channels.whatsapp import WhatsAppIntegration
from recado.schemas.conversations import Recipient

from .whatsapp_posts import Json, post, read, text, value


def test_a_user_id_is_the_identity_and_the_number_an_alias(whatsapp: WhatsAppIntegration) -> None:
    contact: Json = {"user_id": "PE.77", "wa_id": "51900", "profile": {"name": "Ana"}}
    (event,) = read(
        post(value(contacts=[contact], messages=[text("51900", "a")])), whatsapp
    ).messages
    assert (event.user.id, event.user.aliases) == ("PE.77", ("51900",))
    assert (event.reply_to.chat, event.reply_to.recipient) == ("PE.77", Recipient.USER_ID)
    assert event.conversation == "whatsapp:wa:PE.77"


def test_somebody_without_a_number_is_read(whatsapp: WhatsAppIntegration) -> None:
    message = {key: one for key, one in text("", "a").items() if key != "from"}
    ways: list[tuple[Json, JsonValue]] = [
        ({"from_user_id": "PE.77"}, []),
        ({}, [{"user_id": "PE.77"}]),
    ]
    for extra, contacts in ways:
        body = post(value(contacts=contacts, messages=[{**message, **extra}]))
        (event,) = read(body, whatsapp).messages
        assert (event.user.id, event.user.aliases) == ("PE.77", ())


def test_contacts_are_joined_by_id_and_never_by_place(whatsapp: WhatsAppIntegration) -> None:
    contacts: list[JsonValue] = [
        {"wa_id": "2", "user_id": "PE.2", "profile": {"name": "Dos"}},
        {"wa_id": "1", "user_id": "PE.1", "profile": {"name": "Uno"}},
    ]
    body = post(value(contacts=contacts, messages=[text("1", "a"), text("2", "b"), text("3", "c")]))
    assert [(one.user.id, one.user.name) for one in read(body, whatsapp).messages] == [
        ("PE.1", "Uno"),
        ("PE.2", "Dos"),
        ("3", None),
    ]


def test_the_only_contact_is_that_of_the_only_sender_though_written_otherwise(
    whatsapp: WhatsAppIntegration,
) -> None:
    contact: Json = {"wa_id": "5511987654321", "profile": {"name": "Bia"}}
    message = text("551187654321", "a")
    (event,) = read(post(value(contacts=[contact], messages=[message])), whatsapp).messages
    assert (event.user.id, event.user.name) == ("551187654321", "Bia")
    assert event.user.aliases == ("5511987654321",)
    stranger: Json = {**message, "from_user_id": "BR.1"}
    contact["user_id"] = "BR.2"
    (event,) = read(post(value(contacts=[contact], messages=[stranger])), whatsapp).messages
    assert (event.user.id, event.user.name) == ("BR.1", None)


def test_a_post_of_a_thousand_messages_is_read_whole(whatsapp: WhatsAppIntegration) -> None:
    contacts: list[JsonValue] = [
        {"wa_id": str(n), "user_id": f"PE.{n}"} for n in reversed(range(1000))
    ]
    messages: list[JsonValue] = [text(str(n), f"m{n}") for n in range(1000)]
    found = read(post(value(contacts=contacts, messages=messages)), whatsapp)
    assert [one.platform_message_id for one in found.messages] == [f"m{n}" for n in range(1000)]
    assert [one.user.id for one in found.messages] == [f"PE.{n}" for n in range(1000)]


def test_one_contact_is_not_given_to_two_senders(whatsapp: WhatsAppIntegration) -> None:
    body = post(
        value(
            contacts=[{"wa_id": "1", "user_id": "PE.1"}], messages=[text("1", "a"), text("2", "b")]
        )
    )
    assert [one.user.id for one in read(body, whatsapp).messages] == ["PE.1", "2"]
