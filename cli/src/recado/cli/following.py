"""Rows of MongoDB as they come: the last ones, then what is new, until Ctrl-C.

What is new is told by the offsets of the events (`cursor`), never by a time: each row is shown
once. Conversations have no offset: each is shown again when it differs from how it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from recado.cli.mongodb import Row, Stored, stored
from recado.cli.output import CliError, print_json_line
from recado.cli.rows import plain, show_conversation, state_of
from recado.cli.settings import CliSettings
from recado.cli.wanted_rows import Filter, all_of, names_of
from recado.schemas.topics import Topic

POLL = timedelta(seconds=1)

FOLLOWED = 1000


@dataclass(frozen=True, slots=True)
class FollowedRows:
    """What is followed: a collection, the topics that its rows come from, how one is shown."""

    collection: str
    topics: tuple[Topic, ...]
    show: Callable[[Row], None]


async def follow_rows(
    followed: FollowedRows,
    wanted: Filter,
    limit: int,
    as_json: bool,
    *,
    conversation: str | None = None,
    user: str | None = None,
) -> None:
    """The last rows, then each new one once. Ends when it is cancelled."""
    async with stored(CliSettings()) as database:
        cursor = await database.cursor(followed.collection, followed.topics)
        # After the cursor, so that nothing falls between; what is in both is shown once.
        if followed.collection == "webhooks":
            rows = list(await database.webhooks(wanted, limit, payload=False))[::-1]
        else:
            if user is not None:
                wanted = all_of(wanted, await of_users_conversations(database, user))
            await check_known(database, conversation)
            rows = list(await database.messages(wanted, limit))
        shown = {row["_id"] for row in rows}
        while True:
            for row in rows:
                _show(row, followed.show, as_json=as_json)
            await asyncio.sleep(POLL.total_seconds())
            new = await database.new(followed.collection, cursor, wanted)
            rows = [row for row in new if row["_id"] not in shown]
            shown.difference_update(row["_id"] for row in new)


async def follow_conversations(
    wanted: Filter, limit: int, user: str | None, *, as_json: bool
) -> None:
    """Conversations as they are, then each again whenever it changed: its state, or somebody wrote.

    Looked at are the `FOLLOWED` that were active last.
    """
    async with stored(CliSettings()) as database:
        if user is not None:
            wanted = all_of(wanted, await of_user(database, user))
        before: dict[object, object] = {}
        first = True
        while True:
            rows = await database.bare_conversations(wanted, FOLLOWED)
            now = {row["_id"]: (row.get("last_activity_at"), state_of(row)) for row in rows}
            changed = [one for one, how in now.items() if before.get(one) != how]
            if first:
                changed = changed[:limit]
                first = False
            if changed:
                rows = await database.conversations({"_id": {"$in": changed}}, len(changed))
                for row in rows[::-1]:
                    _show(row, show_conversation, as_json=as_json)
            before |= now
            await asyncio.sleep(POLL.total_seconds())


def _show(row: Row, show: Callable[[Row], None], *, as_json: bool) -> None:
    if as_json:
        print_json_line(plain({name: one for name, one in row.items() if name != "payload"}))
    else:
        show(row)


async def check_known(database: Stored, conversation: str | None) -> None:
    """Raises `CliError` where there is no such conversation."""
    if conversation is not None and not await database.knows(conversation):
        raise CliError(
            f"There is no conversation {conversation!r}; `recado conversations` lists them."
        )


async def of_user(database: Stored, typed: str) -> Filter:
    """The conversations' filter of a user. Raises `CliError` where there is none."""
    users = await database.users(names_of(typed))
    if not users:
        raise CliError(f"There is no user {typed!r}; give platform:integration:id or an alias.")
    return {"user": {"$in": list(users)}}


async def of_users_conversations(database: Stored, typed: str) -> Filter:
    """The messages' filter of a user. Raises `CliError` where there is none."""
    users = await database.users(names_of(typed))
    if not users:
        raise CliError(f"There is no user {typed!r}; give platform:integration:id or an alias.")
    return {"conversation": {"$in": list(await database.conversations_of(users))}}
