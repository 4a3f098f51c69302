"""Calls a handler so that it always ends: returned, failed, timed out, or cancelled.

A handler runs in a task of its own. That makes two things possible that `asyncio.timeout` does
not give: a handler that ignores its cancellation is noticed instead of waited for, and its own
`TimeoutError` is told from ours.
"""

import asyncio
from datetime import timedelta

from recado_lanes.errors import HandlerCancelled, HandlerStuck, RecordTimedOut
from recado_lanes.record import Handler, Record


async def call(handler: Handler, record: Record, *, timeout: timedelta, grace: timedelta) -> None:
    """Await `handler(record)` for at most `timeout`, then cancel it.

    Raises what the handler raised, `RecordTimedOut`, `HandlerCancelled` if it cancelled itself,
    or `HandlerStuck` if it has not ended `grace` after its cancellation. When the caller is
    cancelled, so is the handler, and it has ended on return.
    """
    task = asyncio.create_task(_run(handler, record), name=f"handle {record.position}")
    try:
        await asyncio.wait({task}, timeout=timeout.total_seconds())
    except asyncio.CancelledError:
        await _cancel(task, record, grace)
        raise
    if not task.done():
        await _cancel(task, record, grace)
        if task.cancelled() or task.exception() is not None:
            raise RecordTimedOut(record, timeout)
        return
    if task.cancelled():
        raise HandlerCancelled(record)
    task.result()


async def _run(handler: Handler, record: Record) -> None:
    await handler(record)


async def _cancel(task: asyncio.Task[None], record: Record, grace: timedelta) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=grace.total_seconds())
    if not task.done():
        raise HandlerStuck(record)
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not report it as lost
