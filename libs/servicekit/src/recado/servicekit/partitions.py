"""Which partition a key belongs to: murmur2, as Kafka's own clients choose by default.

aiokafka's own function looks at each byte in Python and takes several times as long.
"""

from struct import Struct

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_WORD = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF

_FEW_WORDS = tuple(Struct(f"<{count}I") for count in range(64))
"""Keys are shorter than 256 bytes, nearly all."""


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic that has so many."""
    return (murmur2(key) & _POSITIVE) % partitions


def murmur2(data: bytes) -> int:
    """The hash that Kafka's partitioners use, as an unsigned 32-bit number."""
    length = len(data)
    count = length >> 2
    words = _FEW_WORDS[count] if count < len(_FEW_WORDS) else Struct(f"<{count}I")
    mixed = _SEED ^ length
    for word in words.unpack_from(data):
        part = word * _MULTIPLIER & _WORD
        mixed = (mixed * _MULTIPLIER ^ (part ^ part >> 24) * _MULTIPLIER) & _WORD
    if length & 3:
        mixed = (mixed ^ int.from_bytes(data[length & ~3 :], "little")) * _MULTIPLIER & _WORD
    mixed = (mixed ^ mixed >> 13) * _MULTIPLIER & _WORD
    return mixed ^ mixed >> 15
