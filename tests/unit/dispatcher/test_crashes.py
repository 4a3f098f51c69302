"""Whatever fails, dies, comes late or is taken over, in any order: no answer is lost, none comes
out of its order, none twice unless the ledger has said before that it is uncertain.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from support.dispatching import TELEGRAM, WHATSAPP, answer, conversation_of, status
from support.simulated import Fate, PartKey, Simulation

LONG = "línea de texto\n" * 300
"""Two parts."""
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0.3, 2, 6, 13, 60))


class Dispatchers(RuleBasedStateMachine):
    """Two processes, a conversation on each platform."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation()
        self.reported: set[PartKey] = set()

    @initialize()
    def first_answers(self) -> None:
        for reply_to in (WHATSAPP, TELEGRAM):
            self.publish(reply_to, long=False)

    @rule(reply_to=st.sampled_from((WHATSAPP, TELEGRAM)), long=st.booleans())
    def publish(self, reply_to: ReplyTo, long: bool) -> None:
        number = len(self.simulation.topic.get(conversation_of(reply_to), ())) + 1
        if number <= 4:
            text = LONG if long else f"respuesta {number}"
            deadline = self.simulation.now + timedelta(days=1)
            event = answer(number, reply_to=reply_to, text=text, deadline=deadline)
            self.simulation.publish(event)

    @rule(steps=st.integers(1, 25))
    def all_goes_well(self, steps: int) -> None:
        self.simulation.begin()
        for _ in range(steps):
            if waiting := self.simulation.waiting():
                self.simulation.decide(waiting[0], Fate.WORKS)
            self.simulation.begin()

    @rule(move=st.sampled_from((None, WHATSAPP, TELEGRAM)), by=st.sampled_from((None, *PAUSES)))
    def requests_hang(self, move: ReplyTo | None, by: timedelta | None) -> None:
        """And nothing else does: who takes over meets the claims of them."""
        for round_ in range(2):
            self.simulation.begin()
            for _ in range(40):
                others = [step for step in self.simulation.waiting() if step.ends is None]
                if others:
                    self.simulation.decide(others[0], Fate.WORKS)
                elif not self.simulation.begin():
                    break
            if round_ == 0 and move is not None:
                self.simulation.move(conversation_of(move))
            if round_ == 0 and by is not None:
                self.simulation.pass_time(by, slow_requests_arrive=True)

    @rule(number=st.integers(0, 7), fate=st.sampled_from(Fate))
    @precondition(lambda self: self.simulation.waiting())
    def one_step_has_its_fate(self, number: int, fate: Fate) -> None:
        waiting = self.simulation.waiting()
        self.simulation.decide(waiting[number % len(waiting)], fate)

    @rule(fate=st.sampled_from(Fate))
    def the_next_request_has_its_fate(self, fate: Fate) -> None:
        """Steps of the store go well until then."""
        self.simulation.begin()
        for _ in range(40):
            waiting = self.simulation.waiting()
            requests = [step for step in waiting if step.ends is not None]
            if requests:
                return self.simulation.decide(requests[0], fate)
            if not waiting:
                return None
            self.simulation.decide(waiting[0], Fate.WORKS)
        return None

    @rule(
        number=st.integers(0, 1),
        writes_land=st.booleans(),
        requests=st.sampled_from((None, Fate.WORKS, Fate.UNHEARD)),
    )
    def a_process_dies(self, number: int, writes_land: bool, requests: Fate | None) -> None:
        self.simulation.die(number, writes_land=writes_land, requests=requests)

    @rule(reply_to=st.sampled_from((WHATSAPP, TELEGRAM)))
    def the_other_process_takes_over(self, reply_to: ReplyTo) -> None:
        self.simulation.move(conversation_of(reply_to))
        self.simulation.begin()

    @rule(by=st.sampled_from(PAUSES), arrive=st.booleans())
    def time_passes(self, by: timedelta, arrive: bool) -> None:
        self.simulation.pass_time(by, slow_requests_arrive=arrive)
        self.simulation.begin()

    @rule(number=st.integers(0, 7))
    def whatsapp_reports(self, number: int) -> None:
        """Late, early, or (where this is not drawn) never."""
        simulation = self.simulation
        whatsapp = conversation_of(WHATSAPP)
        answers = {str(one.id): one for one in simulation.topic[whatsapp]}
        seen = [key for key in simulation.arrivals.seen if key[0] in answers]
        if not seen:
            return
        key = seen[number % len(seen)]
        entry = simulation.arrivals.entry(key)
        if entry["state"] != "claimed":  # else its request may go out just now
            simulation.arrivals.settled.add(key)
        report = status(f"wamid.{key}", of=answers[key[0]], part=key[1])
        simulation.report(report)

    @invariant()
    def every_promise_is_kept(self) -> None:
        """About order, repeats and requests under way, at each arrival so far."""
        assert not self.simulation.arrivals.broken

    @invariant()
    def one_outcome_each(self) -> None:
        """What is published of an answer is always the same."""
        outcomes: dict[object, object] = {}
        for event in self.simulation.published:
            assert outcomes.setdefault(event.answer_id, event) == event

    def teardown(self) -> None:
        try:
            self.simulation.end()
            self.everything_has_its_outcome()
        finally:
            self.simulation.close()

    def everything_has_its_outcome(self) -> None:
        outcomes = {event.answer_id: event for event in self.simulation.published}
        for answers in self.simulation.topic.values():
            for one in answers:
                outcome = outcomes[one.id]
                seen = {part for id_, part in self.simulation.arrivals.seen if id_ == str(one.id)}
                if isinstance(outcome, AnswerDelivered):
                    parts = 2 if one.text == LONG else 1
                    assert seen == set(range(parts)), "delivered, and not all of it arrived"
                else:
                    assert isinstance(outcome, AnswerNotDelivered)
                    assert outcome.reason is NotDeliveredReason.UNCERTAIN


TestDispatchers = Dispatchers.TestCase
TestDispatchers.settings = settings(
    max_examples=settings.get_profile(settings.get_current_profile_name()).max_examples * 2 // 5,
    stateful_step_count=30,
    deadline=None,
)
