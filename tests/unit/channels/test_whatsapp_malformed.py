"""WhatsApp: whatever comes is read or refused, and no broken part costs another."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.contract import NOT_NAMED
from recado.channels.errors import Unreadable
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.parse import parse
from support.valid import assert_valid

from .whatsapp_posts import NOW, NUMBER_ID, WEBHOOK, of_type, post, read, text, value


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
