"""Order per key, nothing lost: slow asynchronous handlers over Kafka topics.

`Lanes` is the engine and knows no framework; `recado_lanes.faststream` attaches it to a
FastStream broker, `recado_lanes.kafka` speaks to aiokafka, `recado_lanes.testing` is a Kafka in
memory for tests. `recado_lanes.consume` is a whole consumer in one call, `recado_lanes.typed` makes
handlers of events, `recado_lanes.tracing` a span for each record. Errors say what is to be done
with a record: see `recado_lanes.errors`.
"""

from recado_lanes.batch import Batch
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.errors import (
    CommitRejected,
    ConsumerFailed,
    DeadLetterFailed,
    Fatal,
    HandlerCancelled,
    HandlerStuck,
    LaneError,
    OffsetWentBack,
    Permanent,
    RecordTimedOut,
    RestoreFailed,
    TooManyDeadLetters,
    Transient,
    Unavailable,
    UnknownTopic,
)
from recado_lanes.lanes import Lanes
from recado_lanes.limit import Adaptive
from recado_lanes.observer import BaseObserver, LoggingObserver
from recado_lanes.options import LaneOptions
from recado_lanes.ports import (
    Committed,
    ConsumerPort,
    DeadLetters,
    Observer,
    PartitionProgress,
    Progress,
    ProgressObserver,
    Skipped,
)
from recado_lanes.record import (
    Handler,
    KeyOf,
    Partition,
    Record,
    Restore,
    every_record_by_itself,
    record_key,
)

__all__ = [
    "Adaptive",
    "BaseObserver",
    "Batch",
    "CommitRejected",
    "Committed",
    "ConsumerFailed",
    "ConsumerPort",
    "DeadLetter",
    "DeadLetterFailed",
    "DeadLetters",
    "Fatal",
    "Handler",
    "HandlerCancelled",
    "HandlerStuck",
    "KeyOf",
    "LaneError",
    "LaneOptions",
    "Lanes",
    "LoggingObserver",
    "Observer",
    "OffsetWentBack",
    "Partition",
    "PartitionProgress",
    "Permanent",
    "Progress",
    "ProgressObserver",
    "Record",
    "RecordTimedOut",
    "Restore",
    "RestoreFailed",
    "Skipped",
    "TooManyDeadLetters",
    "Transient",
    "Unavailable",
    "UnknownTopic",
    "every_record_by_itself",
    "record_key",
]
