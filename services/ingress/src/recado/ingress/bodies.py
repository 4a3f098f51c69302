"""Reading a request's body: of the right type, within its size, in time, within all memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta

from recado.ingress.answers import JSON
from recado.ingress.errors import TurnedAway
from recado.ingress.limits import ByteBudget, HeldBytes


class BodyReader:
    """Reads bodies. What is held of all of them together is bounded."""

    def __init__(
        self, *, max_body: Callable[[str], int], budget: ByteBudget, timeout: timedelta
    ) -> None:
        self._max_body = max_body
        self._budget = budget
        self._timeout = timeout.total_seconds()

    def hold(self) -> HeldBytes:
        """Account for a body from its first byte until the end of a `with` block."""
        return self._budget.hold()

    async def read(
        self,
        platform: str,
        headers: Mapping[str, str],
        chunks: AsyncIterator[bytes],
        held: HeldBytes,
        whole: bytes | None = None,
    ) -> bytes:
        """The raw body, which is `whole` where it is here already; `held` accounts for it.

        Raises `TurnedAway`: 415 where it is not JSON by its headers, 413 where it is too large (as
        soon as that is known), 408 where it does not come in time. Raises `Overloaded`. What is not
        read of it the server throws away: closing the connection under a client that still sends
        would cost it the answer.
        """
        _check_type(headers)
        limit = self._max_body(platform)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise _too_large(limit)
        if whole is not None:
            if len(whole) > limit:
                raise _too_large(limit)
            held.grow(len(whole))
            return whole
        body: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeout):
                async for chunk in chunks:
                    if held.size + len(chunk) > limit:
                        raise _too_large(limit)
                    held.grow(len(chunk))
                    body.append(chunk)
        except TimeoutError:
            raise TurnedAway(
                408, "the body did not come in time", headers={"Connection": "close"}
            ) from None
        return b"".join(body)


def _check_type(headers: Mapping[str, str]) -> None:
    # A request that names no type claims nothing wrong: its body decides.
    media_type = headers.get("content-type", "")
    if media_type != JSON:
        media_type = media_type.partition(";")[0].strip().lower()
    if media_type and media_type != JSON and not media_type.endswith("+json"):
        raise TurnedAway(415, "the content type must be application/json")
    # Signatures are over the bytes as sent, so nothing is unpacked here.
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise TurnedAway(415, "the body must not be compressed")


def _too_large(limit: int) -> TurnedAway:
    return TurnedAway(413, f"the body must not have more than {limit} bytes")
