"""`recado forget`: a customer is erased from MongoDB, and what stays elsewhere is said.

The command only finds what there is and orders it (`customer.forgotten`, one event for each
conversation); the dispatcher erases, and rag forgets what it remembers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

import typer
from aiokafka.errors import KafkaError

from recado.cli.mongodb import Belongings, stored
from recado.cli.output import AsJson, CliError, print_json, print_note, print_table, run
from recado.cli.records import end_offsets, handled_up_to
from recado.cli.settings import CliSettings
from recado.cli.wanted_rows import names_of
from recado.schemas.events import CustomerForgotten
from recado.schemas.topics import ANSWERS, DELIVERIES, MESSAGES, STATUSES, WEBHOOKS
from recado.servicekit.kafka import NotAcknowledged, Publisher, make_event_producer

GROUP = "recado-dispatcher"
PATIENCE = timedelta(minutes=2)
WEBHOOKS_AT_ONCE = 10_000
"""Of one event: 40 bytes each, and the topic takes 8 MiB."""

HOLDING = (WEBHOOKS, MESSAGES, ANSWERS, DELIVERIES, STATUSES)
"""The topics in which a customer's data is until Kafka drops it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a customer."""

    users: Sequence[str]
    conversations: Mapping[str, bool]
    """Whether each is theirs alone."""
    counts: Mapping[str, int]
    webhooks: Sequence[UUID]


def forget(
    user: Annotated[
        str, typer.Argument(help="platform:integration:id, the platform's id, a number, an alias.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be erased, and erase nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a customer: what they wrote, what was written to them, who they are."""
    if as_json and not (dry_run or yes):
        raise CliError("--json needs --yes or --dry-run.", exit_status=2)
    found = run(_found(user))
    if not as_json:
        _show(found)
    if not dry_run:
        if not yes:
            typer.confirm("Erase all of it? It can't be brought back.", abort=True)
        run(_order(found))
    stays = _stays(datetime.now(UTC))
    if as_json:
        print_json(
            {
                "users": list(found.users),
                "conversations": list(found.conversations),
                "erased" if not dry_run else "to_erase": dict(found.counts),
                "stays_until": dict(stays),
            }
        )
        return
    print_table(
        "In Kafka it stays until" if not dry_run else "In Kafka it would stay until",
        ("until", "topic"),
        [(until, topic) for topic, until in stays.items()],
    )
    print_note("Backups of MongoDB, dead letters and exported events are yours to look through.")


async def _found(user: str) -> Found:
    async with stored(CliSettings()) as database:
        belongings: Belongings = await database.belongings(names_of(user))
    if not belongings.users:
        raise CliError(f"There is no user {user}; `recado messages --json` has their ids.")
    return Found(
        belongings.users,
        belongings.conversations,
        belongings.counts,
        [UUID(one) for one in belongings.webhooks],
    )


async def _order(found: Found) -> None:
    settings = CliSettings()
    events = events_of(found, datetime.now(UTC))
    producer = make_event_producer(settings, "cli")
    try:
        await producer.start()
        await Publisher(producer, "cli").publish(*events)
    except (KafkaError, NotAcknowledged, OSError) as error:
        raise CliError(f"Kafka can't be written to: {type(error).__name__}") from error
    finally:
        await producer.stop()
    ends = await end_offsets(settings, MESSAGES.name)
    async for _left in handled_up_to(settings, GROUP, ends, PATIENCE):
        pass


def events_of(found: Found, now: datetime) -> Sequence[CustomerForgotten]:
    """One order for each conversation, more where webhooks are many; one where there is none."""
    conversations = dict(found.conversations) or {found.users[0]: True}
    first, *_ = conversations
    orders: list[tuple[str, bool, tuple[UUID, ...]]] = [
        (conversation, whole, ()) for conversation, whole in conversations.items()
    ]
    webhooks = list(found.webhooks)
    while webhooks:
        orders.append((first, conversations[first], tuple(webhooks[:WEBHOOKS_AT_ONCE])))
        del webhooks[:WEBHOOKS_AT_ONCE]
    return [
        CustomerForgotten(
            id=uuid4(),
            occurred_at=now,
            conversation=conversation,
            users=tuple(found.users),
            whole=whole,
            webhook_ids=some,
        )
        for conversation, whole, some in orders
    ]


def _show(found: Found) -> None:
    print_table("Users", ("user",), [(user,) for user in found.users])
    print_table(
        "Conversations",
        ("erased", "conversation"),
        [
            ("whole" if whole else "what they wrote", conversation)
            for conversation, whole in found.conversations.items()
        ],
    )
    print_table(
        "Documents", ("count", "of"), [(str(count), name) for name, count in found.counts.items()]
    )


def _stays(now: datetime) -> Mapping[str, str]:
    """Until when a record of now is in each topic, at the longest."""
    return {
        topic.name: "for good"
        if topic.retention is None
        else (now + topic.retention).date().isoformat()
        for topic in HOLDING
    }
