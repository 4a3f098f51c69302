"""Order per key, nothing lost: slow asynchronous handlers over Kafka topics.

`Lanes` is the engine and knows no framework; `recado_lanes.faststream` attaches it to a
FastStream broker, `recado_lanes.kafka` speaks to aiokafka, `recado_lanes.testing` is a Kafka in
memory for tests. Errors say what is to be done with a record: see `recado_lanes.errors`.
"""

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
from recado_lanes.observer import BaseObserver, LoggingObserver
from recado_lanes.options import LaneOptions
from recado_lanes.ports import ConsumerPort, DeadLetters, Observer, Skipped
from recado_lanes.record import Handler, Partition, Record, Restore

__all__ = [
    "BaseObserver",
    "CommitRejected",
    "ConsumerFailed",
    "ConsumerPort",
    "DeadLetter",
    "DeadLetterFailed",
    "DeadLetters",
    "Fatal",
    "Handler",
    "HandlerCancelled",
    "HandlerStuck",
    "LaneError",
    "LaneOptions",
    "Lanes",
    "LoggingObserver",
    "Observer",
    "OffsetWentBack",
    "Partition",
    "Permanent",
    "Record",
    "RecordTimedOut",
    "Restore",
    "RestoreFailed",
    "Skipped",
    "TooManyDeadLetters",
    "Transient",
    "Unavailable",
    "UnknownTopic",
]
