"""A key goes to the partition that Kafka's own clients choose."""

import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import example, given
from hypothesis import strategies as st

from recado.servicekit import partitions


@given(st.binary(max_size=600))
@example(bytes(255))
@example(bytes(256))
def test_the_hash_is_that_of_the_java_client(key: bytes) -> None:
    assert partitions.murmur2(key) == murmur2(key)


@pytest.mark.parametrize("count", [1, 6, 12])
@given(key=st.binary(min_size=1, max_size=80))
def test_the_partition_is_that_of_the_default_partitioner(key: bytes, count: int) -> None:
    every = list(range(count))
    assert partitions.partition_of(key, count) == DefaultPartitioner()(key, every, every)
