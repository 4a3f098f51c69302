"""The script by which a container asks its own service for its health."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy/docker/healthcheck.py"


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = self.path == "/healthz"
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(b"{}" if ready else b'{"problems":{"kafka":"away"}}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A service that lives and is not ready."""
    server = HTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def _ask(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, *arguments],
        env=environment or {},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_200_is_health(port: int) -> None:
    assert _ask("/healthz", str(port)) == (0, "")


def test_anything_else_is_not_and_the_reason_is_kept(port: int) -> None:
    """`docker inspect` shows what the service said of itself."""
    assert _ask("/readyz", str(port)) == (1, '/readyz: 503 {"problems":{"kafka":"away"}}\n')


def test_the_port_that_the_service_is_told_counts(port: int) -> None:
    """As RECADO_PORT moves the service, so it moves the question."""
    assert _ask("/healthz", "1", environment={"RECADO_PORT": str(port)}) == (0, "")


def test_nobody_there_is_one_line(port: int) -> None:
    status, error = _ask("/healthz", "1")
    assert (status, error) == (1, "/healthz: ConnectionRefusedError\n")
