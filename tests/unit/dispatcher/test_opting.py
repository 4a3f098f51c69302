"""Who wants no automatic answers gets none: the dispatcher is the last gate."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from recado.channels.errors import RetryLater
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerGenerated
from recado_lanes import Transient
from support.dispatching import NOW, World, answer, message, operator_reply
from support.running import run

from .outcomes import reasons


def ordering(number: int, *, opts_out: bool) -> AnswerGenerated:
    """The answer to a BAJA or an ALTA, by the number of its message."""
    return answer(number, text="hecho", opts_out=opts_out)


async def test_after_baja_answers_are_held_back_and_a_person_may_write() -> None:
    """Its own confirmation goes out; an answer that was under way before it does not."""
    world = World()
    await world.take(answer(1), ordering(3, opts_out=True), answer(2), operator_reply())
    assert world.platforms.arrived == ["respuesta a 1", "hecho", "Te escribe Marta."]
    assert reasons(world) == [NotDeliveredReason.OPTED_OUT]
    assert (await world.conversation())["opted_out_at"] == message(3).occurred_at


async def test_alta_brings_them_back() -> None:
    world = World()
    await world.take(ordering(1, opts_out=True), ordering(2, opts_out=False), answer(3))
    assert world.platforms.arrived == ["hecho", "hecho", "respuesta a 3"]
    assert (await world.conversation())["opted_out_at"] is None


async def test_baja_holds_though_its_confirmation_waits_or_is_never_sent() -> None:
    world = World()
    world.platforms.results = [RetryLater("busy")]
    try:
        await world.take(ordering(1, opts_out=True))
    except Transient:
        assert (await world.conversation())["opted_out_at"] is not None
    else:
        raise AssertionError("it had to wait")
    await world.take(ordering(2, opts_out=True).model_copy(update={"deadline": NOW}), offset=1)
    await world.take(answer(3), offset=2)
    assert reasons(world) == [NotDeliveredReason.EXPIRED, NotDeliveredReason.OPTED_OUT]


@given(
    st.lists(st.booleans(), min_size=1, max_size=4).flatmap(
        lambda ordered: st.permutations([*enumerate(ordered, start=1)] * 2)
    )
)
def test_what_was_ordered_last_counts_in_whatever_order_the_answers_come(
    came: list[tuple[int, bool]],
) -> None:
    """Redeliveries, and an answer that was driven again, change nothing."""
    world = World()
    for number, opts_out in came:
        run(world.take(ordering(number, opts_out=opts_out)))
        world.now += timedelta(seconds=1)
    last, opted_out = max(came)
    conversation = run(world.conversation())
    assert conversation["opted_at"] == message(last).occurred_at
    assert (conversation["opted_out_at"] is not None) is opted_out
