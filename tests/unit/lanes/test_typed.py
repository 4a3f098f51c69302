"""Handlers of events: what is decoded, what is skipped, what is a dead letter."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from recado_lanes import Batch, Record, Transient
from recado_lanes.typed import typed, typed_batch

from .conftest import Bench


@dataclass(frozen=True)
class Letter:
    """The event of these tests."""

    to: str


class InvalidLetter(Exception):
    """A record that is none."""


def letter_of(record: Record) -> Letter | None:
    """None for a letter of a kind that is not known here."""
    value = json.loads(record.value or b"")
    if value.get("kind", "letter") != "letter":
        return None
    if "to" not in value:
        raise InvalidLetter("nobody to send it to")
    return Letter(to=value["to"])


class Greeter:
    """A handler of letters."""

    def __init__(self) -> None:
        self.greeted: list[str] = []
        self.batches: list[int] = []

    async def greet(self, letter: Letter) -> None:
        self.greeted.append(letter.to)

    async def greet_all(self, letters: Sequence[Letter]) -> None:
        self.batches.append(len(letters))
        self.greeted += [letter.to for letter in letters]


def write(bench: Bench, *values: object, key: bytes = b"k") -> None:
    for value in values:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        bench.kafka.append("letters", text, key=key)


async def test_the_handler_gets_the_event(bench: Bench) -> None:
    greeter = Greeter()
    write(bench, {"to": "Ana"}, {"to": "Luis"})
    await bench.settle(await bench.add(typed(letter_of, greeter.greet)))
    assert greeter.greeted == ["Ana", "Luis"]


def test_a_handler_of_another_type_is_refused_by_the_type_checker() -> None:
    """The type checker reads this too: an ignored error that is none fails its run."""

    async def of_numbers(number: int) -> None:
        raise AssertionError(number)

    async def of_all_numbers(numbers: Sequence[int]) -> None:
        raise AssertionError(numbers)

    async def of_either(event: Letter | int) -> None:
        raise AssertionError(event)

    def letter_or_number_of(record: Record) -> Letter | int | None:
        return letter_of(record) or record.offset

    typed(letter_of, of_either)
    typed(letter_or_number_of, of_either)
    typed(letter_or_number_of, of_numbers)  # type: ignore[arg-type]  # this is what is proved
    typed(letter_of, of_numbers)  # type: ignore[arg-type]  # and this
    typed_batch(letter_of, of_all_numbers)  # type: ignore[arg-type]  # and this


async def test_an_unknown_type_is_skipped(bench: Bench) -> None:
    """It reaches no handler, is no dead letter, and what follows it does not wait."""
    greeter = Greeter()
    write(bench, {"kind": "parcel"}, {"to": "Ana"})
    await bench.settle(await bench.add(typed(letter_of, greeter.greet)))
    assert greeter.greeted == ["Ana"]
    assert bench.watcher.letters == []


@pytest.mark.parametrize(
    ("value", "message"),
    [({"subject": "?"}, "nobody to send it to"), (b"{", "Expecting property name")],
    ids=["one-of-the-named-errors", "another-of-them"],
)
async def test_what_can_not_be_decoded_is_a_dead_letter_at_once(
    bench: Bench, value: object, message: str
) -> None:
    """With the error's message, after one attempt, and what follows it goes on."""
    greeter = Greeter()
    write(bench, value, {"to": "Ana"})
    handler = typed(letter_of, greeter.greet, undecodable=(InvalidLetter, ValueError))
    await bench.settle(await bench.add(handler))
    (letter,) = bench.watcher.letters
    assert letter.attempts == 1
    assert message in letter.message
    assert greeter.greeted == ["Ana"]


async def test_another_error_of_decoding_is_a_bug(bench: Bench) -> None:
    """It gets the attempts of a bug, for a new start may mend it."""
    write(bench, {"subject": "?"})
    await bench.settle(await bench.add(typed(letter_of, Greeter().greet), bug_attempts=2))
    (letter,) = bench.watcher.letters
    assert letter.attempts == 2


async def test_errors_of_the_handler_keep_their_meaning(bench: Bench) -> None:
    """Also one of the type that stands for the undecodable: only `decode` can say that."""
    raised: list[Exception] = [Transient("in a moment"), ValueError("a bug")]
    greeter = Greeter()

    async def greet(letter: Letter) -> None:
        if raised:
            raise raised.pop()
        await greeter.greet(letter)

    write(bench, {"to": "Ana"})
    await bench.settle(await bench.add(typed(letter_of, greet)))
    assert greeter.greeted == ["Ana"]
    assert bench.watcher.letters == []


async def test_a_batch_holds_the_events_that_are_known(bench: Bench) -> None:
    greeter = Greeter()
    write(bench, {"to": "Ana"}, {"kind": "parcel"}, {"to": "Luis"})
    write(bench, {"kind": "parcel"}, key=b"other")
    batch = Batch(typed_batch(letter_of, greeter.greet_all), settle=timedelta(milliseconds=1))
    await bench.settle(await bench.add(batch))
    assert (greeter.greeted, greeter.batches) == (["Ana", "Luis"], [2])


async def test_of_a_batch_only_the_undecodable_is_a_dead_letter(bench: Bench) -> None:
    """The others are handled, in their order."""
    greeter = Greeter()
    write(bench, {"to": "Ana"}, {"subject": "?"}, {"to": "Luis"})
    handler = typed_batch(letter_of, greeter.greet_all, undecodable=InvalidLetter)
    await bench.settle(await bench.add(Batch(handler, settle=timedelta(milliseconds=1))))
    (letter,) = bench.watcher.letters
    assert letter.record.offset == 1
    assert greeter.greeted == ["Ana", "Luis"]
