"""Run the stack's coroutines from synchronous fixtures.

Session fixtures are synchronous so that they belong to no test's event loop. The loop used here is
never made the current one, so pytest-asyncio does not notice it. It runs in the calling thread, the
main one, to which Linux ties the life of the child processes.
"""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run to the end and return the result. Not callable from within a running loop."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
