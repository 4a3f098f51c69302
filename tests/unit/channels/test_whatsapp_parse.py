"""WhatsApp: everything in a post becomes an event, none costs another."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.contract import NOT_NAMED, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.parse import parse
from recado.schemas import ids
from recado.schemas.conversations import Recipient
from recado.schemas.webhooks import DeliveryStatus, MessageKind
from support.valid import assert_valid

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
NUMBER_ID = "100000000000001"
CURL = (
    b'{"entry":[{"changes":[{"value":{"messages":'
    b'[{"from":"1234567890","text":{"body":"Hola"}}]}}]}]}'
)

Json = dict[str, JsonValue]


def read(body: bytes | Json, *integrations: WhatsAppIntegration) -> ParsedWebhook:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse(raw, integrations, webhook_id=WEBHOOK, received_at=NOW)


def post(*values: Json, field: str = "messages") -> Json:
    entries: list[JsonValue] = [
        {"id": "1", "changes": [{"field": field, "value": value}]} for value in values
    ]
    return {"object": "whatsapp_business_account", "entry": entries}


def value(number_id: str = NUMBER_ID, **content: JsonValue) -> Json:
    metadata: Json = {"display_phone_number": "15550000", "phone_number_id": number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


def text(number: str, message_id: str, body: str = "Hola") -> Json:
    return {
        "from": number,
        "id": message_id,
        "timestamp": "1764700000",
        "type": "text",
        "text": {"body": body},
    }


def of_type(kind: str, content: JsonValue, **more: JsonValue) -> Json:
    base: Json = {"from": "51900", "id": "wamid.1", "timestamp": "1764700000", "type": kind}
    return {**base, kind: content, **more}


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


def test_a_malformed_part_is_a_problem_and_costs_no_other_part(
    whatsapp: WhatsAppIntegration,
) -> None:
    deep: JsonValue = {}
    for _ in range(80):
        deep = [deep]
    body = post(
        value(
            messages=[
                "not an object",
                {"id": "nobody", "type": "text", "text": {"body": "secreto"}},
                text("with:colon", "x"),
                of_type("hologram", deep),
                text("1", "good"),
            ],
            statuses=[
                {"id": "a", "status": "teleported", "timestamp": "1", "recipient_id": "1"},
                {"id": "a", "status": "read", "timestamp": "soon", "recipient_id": "1"},
                {"id": "a", "status": 7, "timestamp": "1"},
                {"status": "read", "timestamp": "1", "recipient_id": "1"},
                {"id": "ok", "status": "read", "timestamp": "1", "recipient_id": "1"},
            ],
        )
    )
    entry = body["entry"]
    assert isinstance(entry, list)
    entry.append({"changes": 3})
    entry.append({"changes": [{"field": "messages", "value": []}]})
    found = read(body, whatsapp)
    assert [one.platform_message_id for one in found.messages] == ["good"]
    assert [one.platform_message_id for one in found.statuses] == ["ok"]
    assert len(found.problems) == 10
    assert found.problems[0] == "entry[0].changes[0].messages[0]: not an object"
    assert "secreto" not in "".join(found.problems)


def test_a_change_of_the_account_is_named_and_has_no_messages(
    whatsapp: WhatsAppIntegration,
) -> None:
    found = read(post({"event": "APPROVED"}, field="message_template_status_update"), whatsapp)
    assert found.event_type == "message_template_status_update"
    assert (found.messages, found.unknown_integrations, found.problems) == ((), (), ())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"3", b"{}", b'{"entry": {}}', b"\xff", b'{"entry": NaN}', b'"\\ud800"',
     b'{"entry": ["\\ud800"]}', b'\xef\xbb\xbf{"entry": []}', b"[" * 3000],
)  # fmt: skip
def test_a_body_that_is_no_webhook_is_unreadable(
    whatsapp: WhatsAppIntegration, body: bytes
) -> None:
    with pytest.raises(Unreadable):
        read(body, whatsapp)


SEED = orjson.loads(
    orjson.dumps(
        post(
            value(
                contacts=[{"wa_id": "51900", "user_id": "PE.77", "profile": {"name": "Ana"}}],
                messages=[
                    text("51900", "a"),
                    of_type("image", {"caption": "x"}),
                    of_type("interactive", {"button_reply": {"title": "t"}}),
                    of_type("edit", {"message": {"type": "text", "text": {"body": "b"}}}),
                ],
                statuses=[
                    {
                        "id": "s",
                        "status": "failed",
                        "timestamp": "1",
                        "recipient_id": "1",
                        "errors": [{"code": 1, "error_data": {"details": "d"}}],
                    }
                ],
            )
        )
    )
)

ANYTHING: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["text", "image", "edit", "read", "1" * 40, "PE.1", ""]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "from", "type", "text", "edit", "x"]), inner),
    max_leaves=8,
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seed: JsonValue) -> JsonValue:
    """The seed with some of its places put to anything, or gone."""
    if draw(st.integers(0, 11)) == 0:
        return draw(ANYTHING)
    if isinstance(seed, dict):
        return {
            key: draw(mutated(one)) for key, one in seed.items() if draw(st.integers(0, 11)) != 0
        }
    if isinstance(seed, list):
        return [draw(mutated(one)) for one in seed]
    return seed


@settings(max_examples=300, deadline=None)
@given(mutated(SEED), st.booleans())
def test_whatever_json_comes_is_read_or_unreadable(body: JsonValue, development: bool) -> None:
    integration = WhatsAppIntegration.model_validate(
        {
            "name": "wa",
            "platform": "whatsapp",
            "phone_number_id": NUMBER_ID,
            "access_token": "t",
            "app_secret": "s",
            "verify_token": "v",
            "development": development,
        }
    )
    try:
        found = parse(
            orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS),
            [integration],
            webhook_id=WEBHOOK,
            received_at=NOW,
        )
    except Unreadable:
        return
    for event in (*found.messages, *found.statuses):
        assert_valid(event)
        assert type(event).model_validate_json(event.model_dump_json()) == event


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_read_or_unreadable(body: bytes) -> None:
    try:
        parse(body, [], webhook_id=WEBHOOK, received_at=NOW)
    except Unreadable:
        return


def test_of_very_many_problems_the_first_are_told_and_the_others_counted(
    whatsapp: WhatsAppIntegration,
) -> None:
    """A body may hold a million of them: memory, log and answer must not."""
    found = read(post(value(messages=[1] * 5000)), whatsapp)
    assert len(found.problems) == 21
    assert found.problems[-1] == "and 4980 more"


def test_of_very_many_unknown_accounts_the_first_are_named(whatsapp: WhatsAppIntegration) -> None:
    found = read(post(*(value(str(n)) for n in range(1000, 6000))), whatsapp)
    assert len(found.unknown_integrations) == 20


def test_an_account_id_that_can_be_none_is_not_repeated(whatsapp: WhatsAppIntegration) -> None:
    """It may be anything, a customer's words among it. Nor is it taken for one that is missing."""
    developing = whatsapp.model_copy(update={"development": True})
    found = read(post(value("secreto", messages=[text("1", "a")])), developing)
    assert (found.messages, found.unknown_integrations) == ((), (NOT_NAMED,))
