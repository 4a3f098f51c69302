"""What happens to a webhook request, from its path to its answer. No framework, no Kafka.

The checks, in this order: platform and integration known (404), method (405), sender's network
(403), content type (415), size while reading (413), signature or secret (401), the integration's
rate (429). Only then is the body parsed. The events of the request and its record are published
together, without those events that were published lately (`recado.ingress.repeats`), and only when
all are acknowledged it is 200. While Kafka is known to be away an authentic request gets its 503
before it is parsed.
"""

import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import TypeAlias
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from recado.channels.contract import Integration, ParsedWebhook, WebhookRequest
from recado.channels.errors import NotAuthentic, NotSupported, Unreadable
from recado.ingress.admission import Admission
from recado.ingress.answers import Answer, accepted, refused, unavailable, verified
from recado.ingress.bodies import BodyReader
from recado.ingress.counting import MAX_COUNTED_NAMES, BoundedNames
from recado.ingress.directory import Directory, Target
from recado.ingress.errors import TurnedAway, Unavailable
from recado.ingress.outbox import Outbox
from recado.ingress.packing import Packed, pack, pack_record
from recado.ingress.recording import MAX_ERROR_LENGTH, UNKNOWN, VERIFICATION, record
from recado.ingress.rejections import Rejections
from recado.ingress.repeats import Repeats
from recado.schemas.encoding import EncodedEvent
from recado.schemas.webhooks import MessageKind, MessageReceived, WebhookOutcome
from recado.servicekit import metrics, tracing
from recado.servicekit.series import series

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Visit:
    """A request to a webhook address, its body not read yet. Nobody changes it."""

    platform: str
    """As the path named it: anything."""
    integration: str | None
    """As the path named it: anything; None where it names none."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    query: Mapping[str, str] = field(repr=False)
    client_host: str
    """The peer's address: that of the last proxy where there is one."""
    body: AsyncIterator[bytes] = field(repr=False)
    whole: bytes | None = field(default=None, repr=False)
    """The body where all of it came with the headers: nothing comes of `body` then."""


@dataclass(slots=True)
class _Case:
    """What is known of a request so far."""

    id: UUID
    received_at: datetime
    span: trace.Span
    target: Target | None = None


_Take: TypeAlias = Callable[[Visit, _Case], Coroutine[object, object, Answer]]


class Reception:
    """Receives webhooks and answers them. Every answer is counted."""

    def __init__(
        self,
        *,
        directory: Directory,
        admission: Admission,
        bodies: BodyReader,
        outbox: Outbox,
        rejections: Rejections,
        repeats: Repeats,
        retry_after: timedelta,
        clock: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        self._directory = directory
        self._admission = admission
        self._bodies = bodies
        self._outbox = outbox
        self._rejections = rejections
        self._repeats = repeats
        self._retry_after = retry_after
        self._clock = clock
        self._new_id = new_id
        self._unknown_kinds = BoundedNames(MAX_COUNTED_NAMES)
        self._account_changes = BoundedNames(MAX_COUNTED_NAMES)

    async def receive(self, visit: Visit) -> Answer:
        """Take a POST: a webhook. A repeat of it is another request, with another record."""
        return await self._answered(visit, self._receive, event_type=UNKNOWN)

    async def verify(self, visit: Visit) -> Answer:
        """Take a GET: the platform's handshake. 403 where its token is wrong."""
        return await self._answered(visit, self._verify, event_type=VERIFICATION)

    async def refuse_method(self, visit: Visit) -> Answer:
        """Take any other method: 405, where the address is known."""
        return await self._answered(visit, self._refuse_method, event_type=UNKNOWN)

    async def _answered(self, visit: Visit, take: _Take, *, event_type: str) -> Answer:
        began = perf_counter()
        # A trace begins here: the sender's own trace context is not to be trusted.
        with tracing.span("webhook", kind=SpanKind.SERVER) as span:
            case = _Case(self._new_id(), self._clock(), span)
            try:
                answer = await take(visit, case)
            except TurnedAway as turned:
                self._note(visit, case, turned, event_type)
                answer = refused(turned)
            except Unavailable as failure:
                log.debug("webhook.unavailable", webhook=str(case.id), error=str(failure))
                answer = unavailable(failure, self._retry_after)
        platform = UNKNOWN if case.target is None else case.target.platform
        series(metrics.WEBHOOKS, platform, answer.outcome, str(answer.status)).inc()
        series(metrics.WEBHOOK_SECONDS, platform).observe(perf_counter() - began)
        return answer

    async def _receive(self, visit: Visit, case: _Case) -> Answer:
        target = case.target = self._directory.find(visit.platform, visit.integration)
        meant = self._admission.from_where(target.integrations, visit.client_host, visit.headers)
        with self._bodies.hold() as held:
            body = await self._bodies.read(
                target.platform, visit.headers, visit.body, held, visit.whole
            )
            request = WebhookRequest(visit.headers, visit.query, body, visit.client_host)
            try:
                authentic = target.channel.authenticate(request, meant)
            except NotAuthentic as failure:
                raise TurnedAway(401, str(failure), body=body) from None
            self._outbox.check()
            self._admission.count(authentic)
            parsed = _parse(target, authentic, body, case)
            return await self._publish(visit, case, target, body, parsed)

    async def _publish(
        self, visit: Visit, case: _Case, target: Target, body: bytes, parsed: ParsedWebhook
    ) -> Answer:
        traceparent = tracing.traceparent(case.span)
        packed = pack((*parsed.messages, *parsed.statuses), traceparent)
        outcome = _outcome(parsed, packed)
        error = _error(parsed, packed)
        ids = tuple([event.id for event in packed.events])
        async with self._repeats.taking(ids) as fresh:
            event = record(
                id=case.id,
                received_at=case.received_at,
                platform=visit.platform,
                integration=parsed.integration or target.name,
                event_type=parsed.event_type,
                outcome=outcome,
                error=error,
                body=body,
                event_ids=ids,
                repeats=len(ids) - len(fresh),
                account_changes=parsed.account_changes,
            )
            records: Sequence[EncodedEvent] = packed.records
            if len(fresh) != len(ids):
                records = [one for place, one in enumerate(records) if place in fresh]
            await self._outbox.publish((*records, pack_record(event, traceparent)))
        platform = target.platform
        messages = without_id = 0
        for place, one in enumerate(packed.events):
            if isinstance(one, MessageReceived):
                messages += 1
                without_id += one.platform_message_id is None
            if place not in fresh:
                series(metrics.EVENTS_REPEATED, platform).inc()
            elif isinstance(one, MessageReceived):
                series(metrics.MESSAGES_RECEIVED, platform, one.kind.value).inc()
                if one.kind is MessageKind.OTHER:
                    kind = self._unknown_kinds.name(one.platform_kind)
                    metrics.UNKNOWN_KINDS.labels(platform, kind).inc()
        for written in parsed.unknown_kinds:
            metrics.UNKNOWN_KINDS.labels(platform, self._unknown_kinds.name(written)).inc()
        for change in parsed.account_changes:
            kind = self._account_changes.name(change.type)
            metrics.ACCOUNT_CHANGES.labels(platform, kind).inc()
        if error:
            log.warning(
                "webhook.incomplete", webhook=str(case.id), outcome=outcome.value, error=error
            )
        return accepted(
            outcome,
            messages=messages,
            statuses=len(packed.events) - messages,
            repeats=len(ids) - len(fresh),
            without_id=without_id,
            error=error,
        )

    async def _verify(self, visit: Visit, case: _Case) -> Answer:
        target = case.target = self._directory.find(visit.platform, visit.integration)
        meant = self._admission.from_where(target.integrations, visit.client_host, visit.headers)
        try:
            challenge = target.channel.handshake(visit.query, meant)
        except NotSupported as failure:
            raise TurnedAway(405, str(failure), headers={"Allow": "POST"}) from None
        except NotAuthentic as failure:
            raise TurnedAway(403, str(failure)) from None
        # The query is not recorded: it holds the verify token.
        event = record(
            id=case.id,
            received_at=case.received_at,
            platform=visit.platform,
            integration=target.name,
            event_type=VERIFICATION,
            outcome=WebhookOutcome.VERIFIED,
        )
        await self._outbox.publish((pack_record(event),))
        return verified(challenge)

    async def _refuse_method(self, visit: Visit, case: _Case) -> Answer:
        target = case.target = self._directory.find(visit.platform, visit.integration)
        allowed = "GET, POST"
        try:
            target.channel.handshake({}, ())
        except NotAuthentic:
            pass  # there is one, and this was none
        except NotSupported:
            allowed = "POST"
        raise TurnedAway(405, "the method is not allowed", headers={"Allow": allowed})

    def _note(self, visit: Visit, case: _Case, turned: TurnedAway, event_type: str) -> None:
        target = case.target
        event = record(
            id=case.id,
            received_at=case.received_at,
            platform=visit.platform,
            integration=visit.integration,
            event_type=event_type,
            outcome=WebhookOutcome.REJECTED,
            status=turned.status,
            error=turned.reason,
            body=turned.body,
        )
        # Only names that exist, else the sender could choose a new bucket for each request.
        bucket = "" if target is None else f"{target.platform}/{target.name or ''}"
        source = self._admission.source(visit.client_host, visit.headers)
        self._rejections.note(event, integration=bucket, source=source)


def _parse(
    target: Target, authentic: tuple[Integration, ...], body: bytes, case: _Case
) -> ParsedWebhook:
    """What is in the body; where it can't be read, nothing but that problem."""
    try:
        return target.channel.parse(
            body,
            authentic,
            named=target.named,
            webhook_id=case.id,
            received_at=case.received_at,
        )
    except Unreadable as failure:
        return ParsedWebhook(UNKNOWN, problems=(str(failure),))
    except Exception as bug:  # noqa: BLE001 - the platform can't mend it: recorded, to be read again
        place = traceback.extract_tb(bug.__traceback__)[-1]
        # Neither the message nor the traceback: both may quote the body.
        where = f"{type(bug).__name__} at {place.name}:{place.lineno}"
        log.error("webhook.parser_failed", webhook=str(case.id), error=where)  # noqa: TRY400
        return ParsedWebhook(UNKNOWN, problems=(f"the parser failed: {where}",))


def _outcome(parsed: ParsedWebhook, packed: Packed) -> WebhookOutcome:
    if packed.events:
        return WebhookOutcome.ACCEPTED
    if parsed.unknown_integrations:
        return WebhookOutcome.UNKNOWN_INTEGRATION
    if parsed.problems or packed.problems:
        return WebhookOutcome.UNREADABLE
    return WebhookOutcome.IGNORED


def _error(parsed: ParsedWebhook, packed: Packed) -> str | None:
    if not (parsed.problems or packed.problems or parsed.unknown_integrations):
        return None
    unknown = ", ".join(dict.fromkeys(parsed.unknown_integrations))
    problems = (
        *parsed.problems,
        *packed.problems,
        *((f"not a configured integration: {unknown}",) if unknown else ()),
    )
    return "; ".join(problems)[:MAX_ERROR_LENGTH] or None
