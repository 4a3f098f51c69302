"""Handlers of events instead of records: the bytes are decoded before the handler is called.

    handlers={"letters": typed(letter_of, greet, undecodable=InvalidLetter)}

A type checker takes the type of the event from the handler, and refuses a `decode` that may give
another one.
What can't be decoded is a dead letter at once, for it will never be readable. `decode` returns None
for a type of event that this reader does not know: the record is skipped, so that newer writers do
not stop older readers. Whoever wants such records counted counts them in `decode`. Tombstones reach
it only with `LaneOptions.handle_tombstones`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from recado_lanes.errors import Permanent
from recado_lanes.record import Handler, Record

EventT = TypeVar("EventT")
HandledT_contra = TypeVar("HandledT_contra", contravariant=True)

Undecodable = type[Exception] | tuple[type[Exception], ...]
"""What `decode` raises for a record that can't be read."""


class EventHandler(Protocol[HandledT_contra]):
    """Does the work of one event, or of a sequence of them; see `Handler`.

    A protocol rather than a `Callable`, of which mypy 2.4 can't infer a union of events.
    """

    def __call__(self, handled: HandledT_contra, /) -> Awaitable[None]:
        """Return when the work is done for good."""
        ...


def typed(
    decode: Callable[[Record], EventT | None],
    handler: EventHandler[EventT],
    *,
    undecodable: Undecodable = ValueError,
) -> Handler:
    """A handler of records from a handler of events.

    An error of `undecodable` that `decode` raises becomes `Permanent` with the same message, which
    goes into the dead letter's headers: let it quote nothing of the record. Any other error of
    `decode`, and every error of `handler`, means what it means of any handler.
    """

    async def handle(record: Record) -> None:
        event = _decoded(decode, record, undecodable)
        if event is not None:
            await handler(event)

    return handle


def typed_batch(
    decode: Callable[[Record], EventT | None],
    handler: EventHandler[Sequence[EventT]],
    *,
    undecodable: Undecodable = ValueError,
) -> Callable[[Sequence[Record]], Awaitable[None]]:
    """The same for `Batch`: `Batch(typed_batch(letter_of, greet_all), max_records=20)`.

    Events of an unknown type are left out, and the handler is not called if none is left. One that
    can't be decoded fails the batch, of which then only that record becomes a dead letter.
    """

    async def handle(records: Sequence[Record]) -> None:
        decoded = [_decoded(decode, record, undecodable) for record in records]
        if events := [event for event in decoded if event is not None]:
            await handler(events)

    return handle


def _decoded(
    decode: Callable[[Record], EventT | None], record: Record, undecodable: Undecodable
) -> EventT | None:
    try:
        return decode(record)
    except undecodable as error:
        raise Permanent(str(error)) from error
