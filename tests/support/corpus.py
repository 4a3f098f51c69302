"""The corpus of webhooks: how a case is read, and in which form its events are written beside it.

`NAME.json` (or `NAME.body`, where it is no JSON) is what the platform posts, `NAME.events.json`
what must come of it. Left out of an event is what is the same in all: our own time, the webhook,
ids of ours, platform and integration of `reply_to`, and every default. `raw` is `true` where the
part is kept as it came.

`python -m support.corpus`, in `tests/`, prints what there is.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import JsonValue, TypeAdapter

from recado.channels.contract import Integration, ParsedWebhook
from recado.channels.errors import Unreadable
from recado.channels.registry import CHANNELS
from recado.schemas.webhooks import AccountChange, MessageReceived, StatusReported

FOLDER = Path(__file__).parents[1] / "contract" / "channels" / "corpus"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
WEBHOOK = UUID(int=7)
EXPECTED = ".events.json"

Json = dict[str, JsonValue]

SETTINGS: dict[str, tuple[Json, ...]] = {
    "whatsapp": tuple(
        {
            "name": name,
            "phone_number_id": f"10000000000000{number}",
            "business_account_id": f"20000000000000{number}",
            "access_token": "t",
            "app_secret": "s",
            "verify_token": "v",
        }
        for number, name in ((1, "wa"), (2, "wb"))
    ),
    "telegram": (
        {"name": "tg", "bot_token": "42:t", "secret_token": "s", "bot_username": "fibralia_bot"},
    ),
}
INTEGRATIONS: dict[str, tuple[Integration, ...]] = {
    platform: tuple(
        CHANNELS[platform].integration_type.model_validate({"platform": platform, **one})
        for one in settings
    )
    for platform, settings in SETTINGS.items()
}

_ANY = TypeAdapter[Json](Json)
_SAME_IN_ALL = {"type", "id", "occurred_at", "webhook_id", "integration"}


def cases() -> list[tuple[str, Path]]:
    """Every case: its platform and its file of expected events."""
    return [(one.parent.name, one) for one in sorted(FOLDER.glob(f"*/*{EXPECTED}"))]


def body_of(expected: Path) -> bytes:
    """What the platform posts in a case."""
    name = expected.name.removesuffix(EXPECTED)
    found = [expected.with_name(f"{name}{kind}") for kind in (".json", ".body")]
    (body,) = (one.read_bytes() for one in found if one.exists())
    return body


def parsed(platform: str, body: bytes) -> ParsedWebhook:
    """What the channel finds in a body. Raises `Unreadable`."""
    return CHANNELS[platform].parse(
        body, INTEGRATIONS[platform], named=None, webhook_id=WEBHOOK, received_at=NOW
    )


def read_case(platform: str, body: bytes) -> Json:
    """What came of a body, in the form of the expected file."""
    try:
        found = parsed(platform, body)
    except Unreadable as unreadable:
        # What the JSON reader says of it is its own affair.
        return {"unreadable": str(unreadable).partition(":")[0]}
    told: Json = {"event_type": found.event_type, "integration": found.integration}
    if found.messages:
        told["messages"] = [_message(one) for one in found.messages]
    if found.statuses:
        told["statuses"] = [_status(one) for one in found.statuses]
    if found.account_changes:
        told["account_changes"] = _changes(found.account_changes)
    if found.unknown_integrations:
        told["unknown_integrations"] = list(found.unknown_integrations)
    if found.problems:
        told["problems"] = list(found.problems)
    return told


def _message(event: MessageReceived) -> Json:
    told = _ANY.validate_json(event.model_dump_json(exclude=_SAME_IN_ALL, exclude_defaults=True))
    told["reply_to"] = _ANY.validate_json(
        event.reply_to.model_dump_json(exclude={"platform", "integration"}, exclude_defaults=True)
    )
    if event.raw is not None:
        told["raw"] = True
    return told


def _status(event: StatusReported) -> Json:
    return _ANY.validate_json(event.model_dump_json(exclude=_SAME_IN_ALL, exclude_defaults=True))


def _changes(changes: Sequence[AccountChange]) -> list[JsonValue]:
    return [_ANY.validate_json(one.model_dump_json(exclude_defaults=True)) for one in changes]


def name_of(platform: str, expected: Path) -> str:
    """A case's name."""
    return f"{platform}/{expected.name.removesuffix(EXPECTED)}"


if __name__ == "__main__":
    for platform, expected in cases():
        about = json.loads(expected.read_text(encoding="utf-8"))["about"]
        sys.stdout.write(f"{name_of(platform, expected):45} {about}\n")
