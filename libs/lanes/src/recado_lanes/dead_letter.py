"""A record that could not be handled, as it came, with where from, why and how often.

A dead letter is a copy of the record (key, value and headers unchanged) with headers of its own
behind the record's. Kafka allows a header name twice: of the names below the last one counts,
so that a record that was sent back and failed again keeps its first story too.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from recado_lanes.record import Record

TOPIC: Final = "dead_letter_topic"
PARTITION: Final = "dead_letter_partition"
OFFSET: Final = "dead_letter_offset"
TIMESTAMP: Final = "dead_letter_timestamp"
SERVICE: Final = "dead_letter_service"
ERROR: Final = "dead_letter_error"
MESSAGE: Final = "dead_letter_message"
ATTEMPTS: Final = "dead_letter_attempts"

# An error's text may quote whole documents; a header is no place for them.
MESSAGE_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record, and why it was given up. `attempts` counts the last one."""

    record: Record
    service: str
    error: str
    message: str = field(repr=False)
    attempts: int
    at: datetime

    @classmethod
    def of(
        cls, record: Record, error: BaseException, *, service: str, attempts: int, at: datetime
    ) -> "DeadLetter":
        """The dead letter of a record that failed with this error."""
        kind = type(error)
        return cls(
            record=record,
            service=service,
            error=f"{kind.__module__}.{kind.__qualname__}",
            message=str(error)[:MESSAGE_LIMIT],
            attempts=attempts,
            at=at,
        )

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """The record's own headers, unchanged and first, then those of the dead letter.

        The timestamp is the record's, ISO 8601 with its offset from UTC.
        """
        own = {
            TOPIC: self.record.topic,
            PARTITION: str(self.record.partition),
            OFFSET: str(self.record.offset),
            TIMESTAMP: self.record.timestamp.isoformat(),
            SERVICE: self.service,
            ERROR: self.error,
            MESSAGE: self.message,
            ATTEMPTS: str(self.attempts),
        }
        # A lone surrogate in an error's text must not stand in the letter's way.
        return (
            *self.record.headers,
            *((k, v.encode("utf-8", errors="replace")) for k, v in own.items()),
        )
