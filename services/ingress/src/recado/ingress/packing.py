"""The events of a request as Kafka records. One that can't be written does not cost the others."""

from collections.abc import Sequence
from typing import NamedTuple

from recado.schemas.encoding import EncodedEvent, encode
from recado.schemas.topics import topic_of
from recado.schemas.webhooks import MessageReceived, StatusReported, WebhookReceived
from recado.servicekit import tracing

SOURCE = "ingress"

ENVELOPE_BYTES = 64 * 1024
"""Room for a record's key, headers and batch, and for what compression adds to noise."""


class Packed(NamedTuple):
    """What of a request goes to Kafka beside its own record, in its order."""

    events: tuple[MessageReceived | StatusReported, ...]
    records: tuple[EncodedEvent, ...]
    problems: tuple[str, ...]
    """One for each event that was left out."""


def pack(
    events: Sequence[MessageReceived | StatusReported], traceparent: str | None = None
) -> Packed:
    """Encode the events, with this trace; with the current one where None is given.

    Left out is what Kafka would refuse for its size. Handing it over would fail the whole request,
    and each repeat of it, for good; aiokafka's idempotent producer would not recover from it.
    """
    if traceparent is None:
        traceparent = tracing.traceparent()
    taken: list[MessageReceived | StatusReported] = []
    records: list[EncodedEvent] = []
    problems: list[str] = []
    for event in events:
        try:
            encoded = encode(event, source=SOURCE, traceparent=traceparent)
        except ValueError as error:  # Pydantic's and Unicode's errors are ValueErrors
            problems.append(f"{event.type} {event.id}: not encodable: {type(error).__name__}")
            continue
        if len(encoded.value) > topic_of(type(event)).max_record - ENVELOPE_BYTES:
            problems.append(f"{event.type} {event.id}: too large for its topic")
            continue
        taken.append(event)
        records.append(encoded)
    return Packed(tuple(taken), tuple(records), tuple(problems))


def pack_record(event: WebhookReceived, traceparent: str | None = None) -> EncodedEvent:
    """Encode the record of a request, with a trace as `pack` has it. It fits: its body does."""
    if traceparent is None:
        traceparent = tracing.traceparent()
    return encode(event, source=SOURCE, traceparent=traceparent)
