"""The control API of the platforms' stand-ins, as far as who asks a question needs it."""

from collections.abc import Mapping

import httpx
from pydantic import JsonValue

from recado.cli.output import CliError
from recado.schemas.base import Platform

HIGHEST_INDEX = 2**63 - 1
MOST_QUOTED = 300
"""Characters of what an answer says."""


class StandIns:
    """Those at an address. Every call raises `CliError` where they do not answer as they should."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url
        self._http = http

    async def make_known(self, platform: Platform, customer: str) -> None:
        """Let the platform know the customer, who may be written to at any time."""
        known: dict[str, JsonValue] = (
            {"platform": "whatsapp", "number": customer, "window_stays_open": True}
            if platform is Platform.WHATSAPP
            else {"platform": "telegram", "chat": int(customer)}
        )
        await self._ask("POST", "/control/customers", json=known)

    async def newest_message(self) -> int:
        """The index after which the reply will be. Nothing is newer than the highest index."""
        nothing = await self._ask("GET", "/control/messages", params={"after": str(HIGHEST_INDEX)})
        newest = nothing.get("next")
        return newest if isinstance(newest, int) else 0

    async def received(self, platform: Platform, customer: str, *, after: int) -> tuple[str, ...]:
        """What the customer got after that index, in order; waited for, but nothing may come."""
        found = await self._ask(
            "GET",
            "/control/messages",
            params={
                "platform": platform.value,
                "chat": customer,
                "after": str(after),
                "wait": "10",
            },
        )
        messages = found.get("messages")
        return tuple(
            str(one.get("text"))
            for one in (messages if isinstance(messages, list) else [])
            if isinstance(one, dict)
        )

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: JsonValue = None,
    ) -> dict[str, JsonValue]:
        try:
            response = await self._http.request(method, self._url + path, params=params, json=json)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CliError(
                f"The platforms' stand-ins do not answer at {self._url} "
                f"({type(error).__name__}); start them with `recado up`."
            ) from error
        if not response.is_success:
            said = response.text[:MOST_QUOTED]
            raise CliError(
                f"The platforms' stand-ins refused {path} with {response.status_code}: {said}"
            )
        try:
            content = response.json() if response.content else {}
        except ValueError as error:
            raise CliError(
                f"What answers at {self._url} is not the platforms' stand-ins."
            ) from error
        return content if isinstance(content, dict) else {}
