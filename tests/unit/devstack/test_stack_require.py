"""A missing real component is a skip at a desk and a failure in a pipeline."""

import pytest

from support.require import in_ci, require


def test_what_is_there_lets_the_test_run() -> None:
    require(True, "Apache Kafka", "install it", environment={"CI": "true"})


def test_what_is_missing_skips_and_says_what_to_install() -> None:
    with pytest.raises(pytest.skip.Exception, match="Apache Kafka is not here: install Java"):
        require(False, "Apache Kafka", "install Java", environment={})


def test_what_is_missing_fails_where_ci_is_set() -> None:
    with pytest.raises(pytest.fail.Exception, match="Apache Kafka is not here: install Java"):
        require(False, "Apache Kafka", "install Java", environment={"CI": "true"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", True),
        ("1", True),
        ("woodpecker", True),
        ("", False),
        ("0", False),
        ("False", False),
    ],
)
def test_ci_is_anything_but_an_empty_or_negative_value(value: str, expected: bool) -> None:
    assert in_ci({"CI": value}) is expected
