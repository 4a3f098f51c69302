"""What fails, or can't be decoded, on its way through FastStream is not lost."""

from faststream import BaseMiddleware
from faststream.kafka import KafkaBroker

from recado_lanes import Permanent, Record

from .conftest import Group, Ledger, eventually


async def test_a_failing_handler_loses_nothing_and_its_dead_letters_say_why(group: Group) -> None:
    ledger = Ledger()

    async def handler(record: Record) -> None:
        if record.value == b"7":
            raise Permanent("no seven")
        if record.value == b"8":
            raise LookupError("a bug")
        await ledger(record)

    await group.producer.send_and_wait(
        group.topic, b"7", key=b"seven", headers=[("h", b"\xff"), ("h", b"2")]
    )
    await group.producer.send_and_wait(group.topic, b"8", key=b"seven")
    await group.write(5, keys=5)
    member = await group.member(handler, bug_attempts=2)
    await eventually(lambda: ledger.distinct == set(range(5)))
    seven, eight = await group.dead_letters(2)
    await member.stop()
    assert (seven.key, seven.value) == (b"seven", b"7")
    assert seven.headers[:2] == (("h", b"\xff"), ("h", b"2"))
    told = {name: value.decode() for name, value in seven.headers[2:]}
    assert told["dead_letter_topic"] == group.topic
    assert told["dead_letter_offset"] == "0"
    assert told["dead_letter_service"] == "tests"
    assert told["dead_letter_error"] == "recado_lanes.errors.Permanent"
    assert told["dead_letter_message"] == "no seven"
    assert told["dead_letter_attempts"] == "1"
    assert dict(eight.headers)["dead_letter_error"] == b"builtins.LookupError"
    assert dict(eight.headers)["dead_letter_attempts"] == b"2"
    assert await group.committed() == await group.end_offsets()


async def test_a_middleware_that_fails_loses_no_batch(group: Group) -> None:
    """FastStream drops a batch whose processing raises, and reads on."""
    ledger = Ledger()

    class Broken(BaseMiddleware):
        async def on_receive(self) -> None:
            raise RuntimeError("broken")

    def prepare(broker: KafkaBroker) -> None:
        broker.add_middleware(Broken)

    await group.write(10, keys=3)
    member = await group.member(ledger, prepare=prepare)
    await eventually(lambda: ledger.distinct == set(range(10)))
    await member.stop()


async def test_what_faststream_can_not_decode_is_handled_all_the_same(group: Group) -> None:
    seen: list[Record] = []

    async def handler(record: Record) -> None:
        seen.append(record)

    headers = [("content-type", b"application/json"), ("bad", b"\xff\xfe")]
    await group.producer.send_and_wait(group.topic, b"{no json", key=b"k", headers=headers)
    member = await group.member(handler)
    await eventually(lambda: len(seen) == 1)
    await member.stop()
    assert seen[0].value == b"{no json"
    assert seen[0].headers == tuple(headers)
