"""What is done beyond the first gap, in the text that Kafka keeps beside a committed offset.

A commit says "everything below this offset is done". Under concurrency much above it is done too;
that goes into the commit's metadata, so that whoever reads on from there handles again only what
was in flight. The text is ASCII: the mark `lanes1:` and, in URL-safe base64 without padding,

    varint base      the committed offset, which is that of the first record that is not done
    varint written   that record's timestamp in milliseconds
    byte   form      0: runs, 1: bitmap
    ...              runs: varint lengths, in turn not done and done, from the base on
                     bitmap: a bit an offset from the base on, lowest bit first, 1 is done
    4 bytes          CRC-32 of all of that

The shorter form is used. Base and timestamp tell whether the text belongs to the log that is read:
after a topic was made anew, or its log was cut, the record at the base is another one, and the
text is ignored. (The topic's id would not show a cut log, and aiokafka does not tell it.)
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MARK: Final = "lanes1:"

LIMIT: Final = 4096
"""What a broker takes by default (`offset.metadata.max.bytes`)."""

SHORTEST: Final = 60
"""With less room nothing is written."""

Run = tuple[int, int]
"""Offsets from the first to before the second."""

_RUNS: Final = 0
_BITMAP: Final = 1
_MAX_VARINT_BYTES: Final = 10


class UnreadableMetadata(ValueError):
    """The text is none of ours, damaged, or of another version: to be ignored."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What is done of a log beyond `base`, whose record was written at `written`.

    `runs` ascend and do not touch; none begins before `base` + 1.
    """

    base: int
    written: int
    runs: tuple[Run, ...]

    def __len__(self) -> int:
        return sum(end - start for start, end in self.runs)


def milliseconds(time: datetime) -> int:
    """A record's timestamp as Kafka keeps it."""
    return int(time.astimezone(UTC).timestamp() * 1000)


def encode(completed: Completed, *, limit: int = LIMIT) -> str:
    """The text, of `limit` characters at most; empty if nothing is done beyond the base.

    Where all does not fit, the offsets furthest from the base are left out; they will be handled
    again.
    """
    if not completed.runs or limit < SHORTEST:
        return ""
    head = _varint(completed.base) + _varint(completed.written)
    span = completed.runs[-1][1] - completed.base
    room = (limit - len(MARK)) * 3 // 4 - len(head) - 5
    runs = bytes([_RUNS]) + b"".join(_varint(length) for length in _lengths(completed))
    bitmap_bytes = (span + 7) // 8
    if len(runs) - 1 <= min(bitmap_bytes, room):
        return _text(head + runs)
    bits = _bitmap(completed, min(bitmap_bytes, room))
    return _text(head + bytes([_BITMAP]) + bits) if any(bits) else ""


def encoded_length_at_most(span: int) -> int:
    """No more characters than this are needed, if the runs end `span` offsets after the base."""
    return len(MARK) + ((span + 7) // 8 + 2 * _MAX_VARINT_BYTES + 5) * 4 // 3 + 1


def decode(text: str) -> Completed:
    """What a text says. Raises `UnreadableMetadata`."""
    if not text.startswith(MARK):
        raise UnreadableMetadata("not written by lanes, or by another version")
    body = text[len(MARK) :]
    try:
        content = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableMetadata("no base64") from error
    payload, checksum = content[:-4], content[-4:]
    if len(checksum) < 4 or zlib.crc32(payload).to_bytes(4, "big") != checksum:
        raise UnreadableMetadata("damaged")
    base, at = _read_varint(payload, 0)
    written, at = _read_varint(payload, at)
    form, rest = payload[at : at + 1], payload[at + 1 :]
    if form == bytes([_RUNS]):
        runs = tuple(_runs_of_lengths(base, rest))
    elif form == bytes([_BITMAP]):
        runs = tuple(_runs_of_bits(base, rest))
    else:
        raise UnreadableMetadata("unknown form")
    if runs and runs[0][0] <= base:
        raise UnreadableMetadata("the base is done")
    return Completed(base, written, runs)


def _text(payload: bytes) -> str:
    content = payload + zlib.crc32(payload).to_bytes(4, "big")
    return MARK + base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _lengths(completed: Completed) -> Iterator[int]:
    at = completed.base
    for start, end in completed.runs:
        yield start - at
        yield end - start
        at = end


def _bitmap(completed: Completed, size: int) -> bytes:
    bits = 0
    for start, end in completed.runs:
        if start - completed.base >= size * 8:
            break
        bits |= ((1 << (end - start)) - 1) << (start - completed.base)
    return (bits & ((1 << (size * 8)) - 1)).to_bytes(size, "little")


def _runs_of_lengths(base: int, content: bytes) -> Iterator[Run]:
    at, start = 0, base
    while at < len(content):
        open_length, at = _read_varint(content, at)
        done_length, at = _read_varint(content, at)
        if open_length < 1 or done_length < 1:
            raise UnreadableMetadata("an empty run")
        start += open_length
        yield start, start + done_length
        start += done_length


def _runs_of_bits(base: int, content: Sequence[int]) -> Iterator[Run]:
    start: int | None = None
    offset = base
    for byte in content:
        for bit in range(8):
            if byte >> bit & 1:
                if start is None:
                    start = offset
            elif start is not None:
                yield start, offset
                start = None
            offset += 1
    if start is not None:
        yield start, offset


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    for index in range(at, min(at + _MAX_VARINT_BYTES, len(content))):
        byte = content[index]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, index + 1
        shift += 7
    raise UnreadableMetadata("a number without end")
