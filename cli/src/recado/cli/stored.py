"""`recado webhooks`, `conversations` and `messages`: what was written to MongoDB."""

from functools import partial
from typing import Annotated

import typer

from recado.cli.following import (
    FollowedRows,
    check_known,
    follow_conversations,
    follow_rows,
    of_user,
    of_users_conversations,
)
from recado.cli.mongodb import Row, stored
from recado.cli.output import AsJson, CliError, print_json, print_table, run
from recado.cli.rows import (
    coloured,
    plain,
    show_message,
    show_payload,
    show_webhook,
    state_of,
    text_of,
    time_of,
)
from recado.cli.settings import CliSettings
from recado.cli.wanted_rows import (
    Filter,
    Role,
    State,
    When,
    all_of,
    equal,
    in_state,
    span,
    where,
    with_result,
    with_text,
)
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.topics import ANSWERS, MESSAGES, WEBHOOKS
from recado.schemas.webhooks import DeliveryStatus, MessageKind, WebhookOutcome

RESULTS = tuple(one.value for one in (*DeliveryStatus, *NotDeliveredReason))

Platform = Annotated[str | None, typer.Option(help="Of this platform.")]
Integration = Annotated[str | None, typer.Option(help="Of this integration.")]
Since = Annotated[str | None, typer.Option(help=f"From then on. {When}")]
Until = Annotated[str | None, typer.Option(help=f"Before that. {When}")]
User = Annotated[
    str | None, typer.Option(help="Of this user: platform:integration:id, id, number or alias.")
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with what is new, until Ctrl-C.")
]


def webhooks(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 10,
    platform: Platform = None,
    integration: Integration = None,
    outcome: Annotated[WebhookOutcome | None, typer.Option(help="With this outcome.")] = None,
    status: Annotated[
        int | None, typer.Option(min=100, max=599, help="Answered with this HTTP status.")
    ] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Such as message.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Those with an error only.")] = False,
    since: Since = None,
    until: Until = None,
    payload: Annotated[
        str | None, typer.Option(metavar="ID", help="Print the payload of this one, and no more.")
    ] = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """The last webhooks: platform, event type, outcome, HTTP status, error."""
    wanted = all_of(
        span(since, until).of("received_at"),
        equal(platform=platform, integration=integration, event_type=event_type, status=status),
        equal(outcome=None if outcome is None else outcome.value),
        {"error": {"$nin": [None, ""]}} if errors else {},
    )
    if payload is not None:
        show_payload(run(_payload(payload)), as_json=as_json)
        return
    if follow:
        run(
            follow_rows(FollowedRows("webhooks", (WEBHOOKS,), show_webhook), wanted, limit, as_json)
        )
        return
    rows = run(_webhooks(wanted, limit))
    if as_json:
        print_json([plain(row) for row in rows])
        return
    print_table(
        "Webhooks",
        ("received", "platform", "integration", "event type", "outcome", "status", "error"),
        [
            (
                time_of(row.get("received_at")),
                text_of(row.get("platform")),
                text_of(row.get("integration")),
                text_of(row.get("event_type")),
                coloured(row.get("outcome")),
                text_of(row.get("status")),
                text_of(row.get("error")),
            )
            for row in rows
        ],
    )


def conversations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    closed: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    state: Annotated[State | None, typer.Option(help="Of this state only.")] = None,
    platform: Platform = None,
    integration: Integration = None,
    user: User = None,
    since: Annotated[str | None, typer.Option(help=f"With activity from then on. {When}")] = None,
    until: Annotated[
        str | None, typer.Option(help=f"With the last activity before that. {When}")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what changes, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Active conversations with their message counts, the most recent first."""
    wanted = all_of(
        span(since, until).of("last_activity_at"),
        equal(platform=platform, integration=integration),
        in_state(state, closed_too=closed),
    )
    if follow:
        run(follow_conversations(wanted, limit, user, as_json=as_json))
        return
    rows = run(_conversations(wanted, limit, user))
    if as_json:
        print_json([plain(row) for row in rows])
        return
    print_table(
        "Conversations",
        ("messages", "last activity", "opened", "state", "conversation"),
        [
            (
                text_of(row.get("message_count")),
                time_of(row.get("last_activity_at")),
                time_of(row.get("opened_at")),
                state_of(row),
                text_of(row.get("_id")),
            )
            for row in rows
        ],
    )


def messages(
    conversation: Annotated[
        str | None, typer.Argument(help="As `recado conversations` names it; else all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the last.")] = 50,
    platform: Platform = None,
    integration: Integration = None,
    user: User = None,
    role: Annotated[Role | None, typer.Option(help="Who said it.")] = None,
    kind: Annotated[MessageKind | None, typer.Option(help="Of this kind.")] = None,
    result: Annotated[
        str | None,
        typer.Option("--status", help="Answers: outcome or status: delivered, read, expired …"),
    ] = None,
    text: Annotated[str | None, typer.Option(help="With this in its text, in any case.")] = None,
    since: Since = None,
    until: Until = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """The messages of a conversation in their order, with what became of the answers."""
    if result is not None and result not in RESULTS:
        raise CliError(f"--status is one of {', '.join(RESULTS)}.", exit_status=2)
    wanted = all_of(
        span(since, until).of("at"),
        equal(conversation=conversation),
        where(platform, integration),
        equal(role=role and role.value, kind=kind and kind.value),
        with_result(result),
        with_text(text),
    )
    show = partial(show_message, named=conversation is None)
    if follow:
        followed = FollowedRows("messages", (MESSAGES, ANSWERS), show)
        run(follow_rows(followed, wanted, limit, as_json, conversation=conversation, user=user))
        return
    rows = run(_messages(wanted, limit, conversation=conversation, user=user))
    if as_json:
        print_json([plain(row) for row in rows])
        return
    for row in rows:
        show(row)


async def _webhooks(wanted: Filter, limit: int) -> list[Row]:
    async with stored(CliSettings()) as database:
        return list(await database.webhooks(wanted, limit, payload=False))


async def _payload(webhook: str) -> Row:
    async with stored(CliSettings()) as database:
        for row in await database.webhooks({"_id": webhook.lower()}, 1, payload=True):
            return row
    raise CliError("There is no such webhook, or it has expired; `recado webhooks --json` has ids.")


async def _conversations(wanted: Filter, limit: int, user: str | None) -> list[Row]:
    async with stored(CliSettings()) as database:
        if user is not None:
            wanted = all_of(wanted, await of_user(database, user))
        return list(await database.conversations(wanted, limit))


async def _messages(
    wanted: Filter, limit: int, *, conversation: str | None, user: str | None
) -> list[Row]:
    async with stored(CliSettings()) as database:
        await check_known(database, conversation)
        if user is not None:
            wanted = all_of(wanted, await of_users_conversations(database, user))
        return list(await database.messages(wanted, limit))
