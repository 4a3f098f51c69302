"""Attempts that take too long are cancelled, and those that ignore it are reported.

Nobody waits for a handler that ignores its cancellation: its lane is left, and the consumer stops.
"""

import asyncio
from collections.abc import Callable, Collection

from recado_lanes.errors import Fatal, HandlerStuck
from recado_lanes.keylane import KeyLane
from recado_lanes.options import LaneOptions


async def watch(
    working: Collection[KeyLane],
    options: LaneOptions,
    *,
    leave: Callable[[KeyLane], None],
    failed: Callable[[Fatal], None],
) -> None:
    """Look through what is worked on at present, again and again. Ends with the first stuck one."""
    loop = asyncio.get_running_loop()
    grace = options.cancel_grace.total_seconds()
    shortest = min(options.record_timeout.total_seconds(), grace)
    tick = min(max(shortest / 10, 0.005), 1.0)
    while True:
        await asyncio.sleep(tick)
        now = loop.time()
        for lane in list(working):
            if now < lane.deadline or lane.cut or lane.task is None:
                continue
            if lane.overdue:
                leave(lane)  # draining must not wait for it
                failed(HandlerStuck(lane.work[0]))
                return
            lane.overdue = True
            lane.deadline = now + grace
            lane.task.cancel()
