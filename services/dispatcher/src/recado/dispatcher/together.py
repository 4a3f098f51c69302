"""Requests at the same time. All have ended when the first of their errors is raised.

A TaskGroup would wrap the error, and what it means for a record would not be recognised.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")


async def both(first: Awaitable[FirstT], second: Awaitable[SecondT]) -> tuple[FirstT, SecondT]:
    """The results of two."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other


async def all_of(*asked: Awaitable[FirstT]) -> list[FirstT]:
    """The results of several, in their order."""
    results: list[FirstT] = []
    for result in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results
