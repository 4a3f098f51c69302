"""What this process knows to be answered already, by partition.

It is read back from the answers topic when a partition is assigned (see `restoring`), grows with
every answer that Kafka acknowledged, and goes when the partition does. Both of its parts are
bounded, the oldest go first: what is forgotten costs at most a second call of the model, for the
answer of the same messages has the same id and the dispatcher sends an id once.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from uuid import UUID

from recado.rag.history import Exchange
from recado.schemas.events import AnswerGenerated, MessageReceived

MAX_MESSAGES = 50_000
MAX_CONVERSATIONS = 2_000
MAX_EXCHANGES = 10


class PartitionCoverage:
    """One partition's."""

    def __init__(
        self, max_messages: int = MAX_MESSAGES, max_conversations: int = MAX_CONVERSATIONS
    ) -> None:
        self._max_messages = max_messages
        self._max_conversations = max_conversations
        self._covered: OrderedDict[UUID, None] = OrderedDict()
        self._exchanges: OrderedDict[str, deque[Exchange]] = OrderedDict()

    def add(self, answer: AnswerGenerated, messages: Sequence[MessageReceived] = ()) -> None:
        """This answer is in Kafka. A second one with its id changes nothing."""
        for message_id in answer.message_ids:
            self._covered[message_id] = None
            self._covered.move_to_end(message_id)
        while len(self._covered) > self._max_messages:
            self._covered.popitem(last=False)
        exchanges = self._exchanges.setdefault(answer.conversation, deque(maxlen=MAX_EXCHANGES))
        self._exchanges.move_to_end(answer.conversation)
        if all(exchange.answer_id != answer.id for exchange in exchanges):
            exchanges.append(Exchange.of(answer, messages))
        while len(self._exchanges) > self._max_conversations:
            self._exchanges.popitem(last=False)

    def forget(self, conversation: str) -> None:
        """What was said there is to be known no more; that it is answered is."""
        self._exchanges.pop(conversation, None)

    def covers(self, message_id: UUID) -> bool:
        """Whether an answer to this message is in Kafka, as far as is remembered."""
        return message_id in self._covered

    def exchanges(self, conversation: str) -> tuple[Exchange, ...]:
        """Our own recent answers in this conversation, oldest first."""
        return tuple(self._exchanges.get(conversation, ()))

    def __len__(self) -> int:
        return len(self._covered)


class Coverage:
    """That of every partition that is ours."""

    def __init__(self) -> None:
        self._partitions: dict[int, PartitionCoverage] = {}

    def of(self, partition: int) -> PartitionCoverage:
        """The partition's coverage; an empty one where nothing was restored."""
        return self._partitions.setdefault(partition, PartitionCoverage())

    def replace(self, partition: int, coverage: PartitionCoverage) -> None:
        """What was restored takes the place of anything there was."""
        self._partitions[partition] = coverage

    def drop(self, partitions: Collection[int]) -> None:
        """These partitions are no longer ours: another process answers there from now on."""
        for partition in partitions:
            self._partitions.pop(partition, None)
