"""Dead letters as they are told apart, grouped by cause, and chosen to be sent back. No I/O.

A record that is sent back says in its header `redrive_count` how often that has happened; if it
fails again, its new dead letter has the header too. That a letter was sent back is written behind
it in the same topic, as a note: an empty record whose headers `redrive_of_partition` and
`redrive_of_offset` name the letter. So a note lives as long as its letter does. (A consumer
group's committed offset would not do: Kafka forgets it after 7 days without a member while
letters are kept for 30, and it knows no letter that was left out.)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recado.schemas.topics import EVENT_TOPICS
from recado_lanes import dead_letter
from recado_lanes.record import Record

REDRIVE_COUNT = "redrive_count"
NOTE_PARTITION = "redrive_of_partition"
NOTE_OFFSET = "redrive_of_offset"

MOST_REDRIVES = 3
"""A record that failed again after so many is refused: sending it back won't mend it."""

LETTER_HEADERS = frozenset(
    {
        dead_letter.TOPIC,
        dead_letter.PARTITION,
        dead_letter.OFFSET,
        dead_letter.TIMESTAMP,
        dead_letter.SERVICE,
        dead_letter.ERROR,
        dead_letter.MESSAGE,
        dead_letter.ATTEMPTS,
    }
)

PARTITIONS = {topic.name: topic.partitions for topic in EVENT_TOPICS}

Headers = tuple[tuple[str, bytes], ...]
Place = tuple[int, int]
"""Partition and offset of a letter in its topic."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its value, which may be large."""

    place: Place
    at: datetime
    """When it was given up."""
    topic: str
    partition: int
    offset: int
    """Where the record came from."""
    error: str
    """The error's class, with its module."""
    message: str
    redriven: int
    """How often the record had been sent back before it failed this time."""

    @property
    def origin(self) -> str:
        """Where the record came from, as logs write it."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def failed_with(self, error: str) -> bool:
        """Whether this is its error's class, with or without the module."""
        return error in (self.error, self.error.rpartition(".")[2])


class RedriveRefusal(StrEnum):
    """Why a letter is not sent back."""

    TOO_OFTEN = f"sent back {MOST_REDRIVES} times already; --force sends it all the same"
    NO_EVENT_TOPIC = "it does not come from a partition of a topic of events"


@dataclass(frozen=True, slots=True)
class Cause:
    """Letters that failed with one error, from one topic."""

    error: str
    topic: str
    waiting: int
    """Not sent back yet."""
    redriven: int
    first: datetime
    last: datetime
    example: Letter
    """The last that waits, or the last of all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a redrive does: the oldest letters first."""

    send: tuple[Letter, ...]
    refused: tuple[tuple[Letter, str], ...]
    """Each with the reason, a `RedriveRefusal` or what is wrong with what was mended."""


@dataclass(frozen=True, slots=True)
class Letters:
    """What is in a topic of dead letters."""

    letters: tuple[Letter, ...]
    redriven: frozenset[Place]
    """The letters that were sent back."""
    others: int
    """Records that are neither a letter nor a note."""

    def waiting(self) -> tuple[Letter, ...]:
        """The letters that were not sent back, oldest first."""
        return tuple(one for one in self.letters if one.place not in self.redriven)


def letter_of(record: Record) -> Letter | None:
    """The letter in a record; None where its headers don't tell where it came from and why."""
    headers = _texts(record.headers)
    partition, offset = (
        _number(headers, dead_letter.PARTITION),
        _number(headers, dead_letter.OFFSET),
    )
    topic, error = headers.get(dead_letter.TOPIC), headers.get(dead_letter.ERROR)
    if partition is None or offset is None or not topic or not error:
        return None
    return Letter(
        place=(record.partition, record.offset),
        at=record.timestamp,
        topic=topic,
        partition=partition,
        offset=offset,
        error=error,
        message=headers.get(dead_letter.MESSAGE, ""),
        redriven=_number(headers, REDRIVE_COUNT) or 0,
    )


def note_of(letter: Letter) -> Headers:
    """The headers of the note that this letter was sent back."""
    partition, offset = letter.place
    return ((NOTE_PARTITION, str(partition).encode()), (NOTE_OFFSET, str(offset).encode()))


def noted_in(record: Record) -> Place | None:
    """The letter that a note says was sent back; None where the record is no note."""
    headers = _texts(record.headers)
    partition, offset = _number(headers, NOTE_PARTITION), _number(headers, NOTE_OFFSET)
    return None if partition is None or offset is None else (partition, offset)


def headers_sent_back(headers: Iterable[tuple[str, bytes]], letter: Letter) -> Headers:
    """The record's own headers, and how often it was sent back, this time included."""
    own = [(k, v) for k, v in headers if k not in LETTER_HEADERS and k != REDRIVE_COUNT]
    return (*own, (REDRIVE_COUNT, str(letter.redriven + 1).encode()))


def grouped(found: Letters) -> list[Cause]:
    """The letters by error and topic; what has most that wait comes first."""
    groups: dict[tuple[str, str], list[Letter]] = {}
    for letter in found.letters:
        groups.setdefault((letter.error, letter.topic), []).append(letter)
    causes = [_cause(group, found.redriven) for group in groups.values()]
    return sorted(causes, key=lambda one: (-one.waiting, one.error, one.topic))


def _cause(group: Sequence[Letter], redriven: frozenset[Place]) -> Cause:
    waiting = [letter for letter in group if letter.place not in redriven]
    return Cause(
        error=group[0].error,
        topic=group[0].topic,
        waiting=len(waiting),
        redriven=len(group) - len(waiting),
        first=min(letter.at for letter in group),
        last=max(letter.at for letter in group),
        example=(waiting or group)[-1],
    )


def plan(found: Letters, *, limit: int, error: str | None = None, force: bool = False) -> Plan:
    """Which letters to send back: those that wait, with this error, at most `limit`.

    A refused letter does not count. `force` sends one that was sent back too often.
    """
    send: list[Letter] = []
    refused: list[tuple[Letter, str]] = []
    for letter in found.waiting():
        if error is not None and not letter.failed_with(error):
            continue
        if letter.partition >= PARTITIONS.get(letter.topic, 0):
            refused.append((letter, RedriveRefusal.NO_EVENT_TOPIC))
        elif letter.redriven >= MOST_REDRIVES and not force:
            refused.append((letter, RedriveRefusal.TOO_OFTEN))
        elif len(send) < limit:
            send.append(letter)
    return Plan(tuple(send), tuple(refused))


def sorted_out(records: Iterable[Record]) -> Letters:
    """Letters, notes and what is neither. The records are in the order of their offsets."""
    letters: list[Letter] = []
    redriven: set[Place] = set()
    others = 0
    for record in records:
        if (letter := letter_of(record)) is not None:
            letters.append(letter)
        elif (place := noted_in(record)) is not None:
            redriven.add(place)
        else:
            others += 1
    return Letters(tuple(letters), frozenset(redriven), others)


def _texts(headers: Iterable[tuple[str, bytes]]) -> Mapping[str, str]:
    """Of a name that is there twice the last one counts, as dead letters promise."""
    return {name: value.decode(errors="replace") for name, value in headers}


def _number(headers: Mapping[str, str], name: str) -> int | None:
    written = headers.get(name, "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 20 else None
