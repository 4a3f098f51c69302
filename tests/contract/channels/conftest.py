"""Each channel of the registry, with its case and an integration."""

import pytest

from recado.channels.contract import Channel, Integration
from recado.channels.registry import CHANNELS

from .cases import CASES, Case, make


@pytest.fixture(params=CASES, ids=[case.platform.value for case in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


@pytest.fixture
def channel(case: Case) -> Channel:
    return CHANNELS[case.platform]


@pytest.fixture
def integration(case: Case, channel: Channel) -> Integration:
    return make(case, channel)
