import pytest

from .receiving import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
