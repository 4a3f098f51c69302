"""The golden records are what is in Kafka today; they must be readable for ever.

A golden file only ever gains the defaults of new fields. Any other change of one is a breaking
change of the contract.
"""

import json
from pathlib import Path

import pytest

from recado.schemas.encoding import decode, encode
from support import filled_examples as examples

GOLDEN = Path(__file__).parents[3] / "schemas" / "golden"


@pytest.mark.parametrize("name", examples.GOLDEN)
def test_the_golden_record_is_read_as_the_example(name: str) -> None:
    event, golden = (
        examples.GOLDEN[name],
        json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")),
    )
    headers = [(name, value.encode()) for name, value in golden["headers"].items()]
    assert decode(headers, json.dumps(golden["value"]).encode()) == event


@pytest.mark.parametrize("name", examples.GOLDEN)
def test_the_example_is_written_as_the_golden_record(name: str) -> None:
    event, golden = (
        examples.GOLDEN[name],
        json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")),
    )
    record = encode(event, source="golden")
    assert record.topic == golden["topic"]
    assert record.key.decode() == golden["key"]
    assert {name: value.decode() for name, value in record.headers} == golden["headers"]
    assert json.loads(record.value) == golden["value"]


def test_every_golden_file_has_its_example() -> None:
    assert {one.stem for one in GOLDEN.glob("*.json")} == set(examples.GOLDEN)
