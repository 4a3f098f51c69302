"""An integration's networks and rate."""

import pytest

from recado.channels.contract import Integration
from recado.ingress.admission import Admission
from recado.ingress.clients import Clients
from recado.ingress.errors import TurnedAway
from recado.schemas.base import Platform


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def integration(name: str = "main", **fields: object) -> Integration:
    return Integration.model_validate({"name": name, "platform": Platform.TELEGRAM, **fields})


def test_the_sender_must_be_in_one_of_the_networks() -> None:
    fenced = integration(allowed_networks=["149.154.160.0/20", "2001:67c:4e8::/48"])
    admission = Admission(Clients())

    assert admission.from_where([fenced], "149.154.175.255", {}) == [fenced]
    assert admission.from_where([fenced], "2001:67c:4e8:f::1", {}) == [fenced]
    for elsewhere in ("149.154.176.0", "203.0.113.9", "::1", "", "no address"):
        with pytest.raises(TurnedAway) as turned:
            admission.from_where([fenced], elsewhere, {})
        assert turned.value.status == 403


def test_an_integration_without_networks_takes_requests_from_anywhere() -> None:
    fenced, free = integration(allowed_networks=["192.0.2.0/24"]), integration("free")

    assert Admission(Clients()).from_where([fenced, free], "", {}) == [free]


def test_one_request_counts_for_each_integration_that_it_is_authentic_for() -> None:
    narrow = integration(requests_per_second=1, requests_burst=1)
    wide = integration("wide", requests_per_second=1, requests_burst=3)
    admission = Admission(Clients(), clock=Clock())
    admission.replace([narrow, wide])

    admission.count([narrow, wide])
    with pytest.raises(TurnedAway):
        admission.count([narrow, wide])
    admission.count([wide])
    with pytest.raises(TurnedAway):
        admission.count([wide])


def test_a_new_version_of_the_file_gives_no_new_tokens_where_the_rate_stays() -> None:
    limited = integration(requests_per_second=1, requests_burst=1)
    admission = Admission(Clients(), clock=Clock())
    admission.replace([limited])
    admission.count([limited])

    admission.replace([limited, integration("other")])
    with pytest.raises(TurnedAway):
        admission.count([limited])

    admission.replace([integration(requests_per_second=1, requests_burst=2)])
    admission.count([limited])


def test_without_a_rate_there_is_no_limit() -> None:
    admission = Admission(Clients(), clock=Clock())
    admission.replace([integration()])

    for _ in range(1000):
        admission.count([integration()])
