"""Ports are free when given, and a taken one is said rather than fought for."""

import socket

import pytest

from recado.devstack.stack.errors import PortTaken
from recado.devstack.stack.ports import Ports, ensure_free, free_port


def test_a_free_port_is_below_the_ephemeral_range_and_can_be_listened_on() -> None:
    port = free_port()
    assert port < 32768
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_stack_of_free_ports_has_no_port_twice() -> None:
    ports = Ports.free()
    numbers = [getattr(ports, name) for name in Ports.__slots__]
    assert len(set(numbers)) == len(numbers)


def test_a_port_that_somebody_listens_on_is_refused_by_name() -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(PortTaken, match=f"ingress wants port {port}"),
    ):
        ensure_free("ingress", port)
