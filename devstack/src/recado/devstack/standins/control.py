"""The control API: what arrived, what customers received, who is known, what goes wrong.

    GET    /control/health                 status, counts, what became of the status webhooks,
                                           how many texts were embedded
    GET    /control/requests               ?platform=&after=&since=&limit=
    GET    /control/messages               ?platform=&chat=&sender=&in_reply_to=&after=&wait=&limit=
    GET    /control/faults
    PUT    /control/faults/{platform}      a fault or a list of them; takes the place of all
    DELETE /control/faults
    POST   /control/customers              a customer or a list of them
    POST   /control/whatsapp/handshake     verify the webhook address, as Meta does
    POST   /control/reset                  forget records, faults, added customers

Lists are oldest first. `after` is an index: only younger records are shown; `next` in the answer is
the `after` of the next look, so that a reader misses and repeats nothing within the record's
bounds. `since` is a time with its zone. `wait` (seconds, 60 at most) holds the answer until a
message is there that is wanted. What can't be read is 422 with the reason.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recado.devstack.standins.customers import Customer, Customers
from recado.devstack.standins.faults import Fault, Faults, Platform
from recado.devstack.standins.gemini import Gemini
from recado.devstack.standins.records import Journal, MessageFilter
from recado.devstack.standins.statuses import StatusSender

LONGEST_WAIT = timedelta(seconds=60)


class _Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform | None = None
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=50_000)] = 1_000


class RequestsQuery(_Query):
    """What `GET /control/requests` takes."""

    since: AwareDatetime | None = None


class MessagesQuery(_Query):
    """What `GET /control/messages` takes."""

    chat: str | None = None
    sender: str | None = None
    in_reply_to: str | None = None
    wait: Annotated[timedelta, Field(ge=timedelta(0), le=LONGEST_WAIT)] = timedelta(0)


_FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
_CUSTOMERS: TypeAdapter[Customer | list[Customer]] = TypeAdapter(Customer | list[Customer])


class Control:
    """The control API's handlers."""

    def __init__(
        self,
        *,
        journal: Journal,
        faults: Faults,
        customers: Customers,
        statuses: StatusSender,
        gemini: Gemini,
        clock: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._faults = faults
        self._customers = customers
        self._statuses = statuses
        self._gemini = gemini
        self._clock = clock

    def routes(self) -> list[Route]:
        """Where each is found, below `/control`."""
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/requests", self.requests, methods=["GET"]),
            Route("/messages", self.messages, methods=["GET"]),
            Route("/faults", self.armed_faults, methods=["GET"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/faults/{platform}", self.put_faults, methods=["PUT"]),
            Route("/customers", self.add_customers, methods=["POST"]),
            Route("/whatsapp/handshake", self.handshake, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """That it runs, and its counts."""
        tally = self._statuses.tally
        return _json(
            {
                "status": "ok",
                "requests": len(self._journal.requests),
                "messages": len(self._journal.messages),
                "forgotten": self._journal.forgotten,
                "customers": len(self._customers),
                "embedded_texts": self._gemini.embedded_texts,
                "statuses": {
                    "posted": tally.posted,
                    "given_up": tally.given_up,
                    "dropped": tally.dropped,
                    "repeats": tally.repeats,
                },
            }
        )

    async def requests(self, request: Request) -> Response:
        """What arrived."""
        try:
            query = RequestsQuery.model_validate(dict(request.query_params))
        except ValidationError as invalid:
            return _unreadable(invalid)
        found = self._journal.find_requests(
            platform=query.platform, after=query.after, since=query.since
        )
        shown = found[: query.limit]
        following = shown[-1].index if len(shown) < len(found) else self._journal.last_request
        return _json({"requests": [each.as_json() for each in shown], "next": following})

    async def messages(self, request: Request) -> Response:
        """What customers received, perhaps after a wait."""
        try:
            query = MessagesQuery.model_validate(_seconds(dict(request.query_params)))
        except ValidationError as invalid:
            return _unreadable(invalid)
        wanted = MessageFilter(
            after=query.after,
            platform=query.platform,
            chat=query.chat,
            sender=query.sender,
            in_reply_to=query.in_reply_to,
        )
        found = await self._journal.wait_for_messages(wanted, timeout=query.wait)
        shown = found[: query.limit]
        following = shown[-1].index if len(shown) < len(found) else self._journal.last_message
        return _json({"messages": [each.as_json() for each in shown], "next": following})

    async def armed_faults(self, request: Request) -> Response:
        """The faults there are, and how often each will still strike."""
        return _json(
            {
                platform: [
                    {**fault.model_dump(mode="json", exclude_defaults=True), "left": left}
                    for fault, left in armed
                ]
                for platform, armed in self._faults.armed().items()
            }
        )

    async def put_faults(self, request: Request) -> Response:
        """Let a platform have faults."""
        try:
            platform = Platform(request.path_params["platform"])
            given = _FAULTS.validate_json(await request.body())
            self._faults.put(platform, given if isinstance(given, list) else [given])
        except ValidationError as invalid:
            return _unreadable(invalid)
        except ValueError as unfit:
            return _json({"error": str(unfit)}, status=422)
        return Response(status_code=204)

    async def clear_faults(self, request: Request) -> Response:
        """All is well again."""
        self._faults.clear()
        return Response(status_code=204)

    async def add_customers(self, request: Request) -> Response:
        """Make customers known; on WhatsApp their window opens."""
        try:
            given = _CUSTOMERS.validate_json(await request.body())
        except ValidationError as invalid:
            return _unreadable(invalid)
        now = self._clock()
        for customer in given if isinstance(given, list) else [given]:
            self._customers.add(customer, now=now)
        return Response(status_code=204)

    async def handshake(self, request: Request) -> Response:
        """Verify the webhook address."""
        try:
            verified = await self._statuses.handshake()
        except ValueError as unset:
            return _json({"error": str(unset)}, status=409)
        except httpx.HTTPError as unreachable:
            return _json({"verified": False, "error": type(unreachable).__name__}, status=502)
        return _json({"verified": verified})

    async def reset(self, request: Request) -> Response:
        """As it was at the start; the numbering of records goes on."""
        self._journal.reset()
        self._faults.clear()
        self._customers.reset(now=self._clock())
        self._statuses.reset()
        self._gemini.reset()
        return Response(status_code=204)


def _json(content: object, *, status: int = 200) -> Response:
    # Escaped, for what arrived may hold halves of surrogate pairs.
    return Response(json.dumps(content), status_code=status, media_type="application/json")


def _unreadable(invalid: ValidationError) -> Response:
    problems = invalid.errors(include_url=False, include_input=False, include_context=False)
    return _json({"error": problems}, status=422)


def _seconds(query: dict[str, str]) -> dict[str, object]:
    """`wait` is written as plain seconds."""
    read: dict[str, object] = dict(query)
    if "wait" in query:
        try:
            read["wait"] = timedelta(seconds=float(query["wait"]))
        except (ValueError, OverflowError):
            read["wait"] = "not a number of seconds"
    return read
