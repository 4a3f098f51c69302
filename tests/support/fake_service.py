"""What `python -m recado.<service>` runs in tests of the stack itself: ready at once, or as told.

Its settings are a service's environment: RECADO_PORT, and FAKE_SERVICE, which is `ready`, `unready`
(answers 503 for ever) or `broken` (ends at once with a message).
"""

import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = os.environ["FAKE_SERVICE"] == "ready" and self.path == "/readyz"
        self.send_response(200 if ready else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the log to what tests look for."""


def main() -> None:
    print("kafka at", os.environ["RECADO_KAFKA_BOOTSTRAP_SERVERS"], flush=True)
    if os.environ["FAKE_SERVICE"] == "broken":
        sys.exit("RECADO_SOMETHING is not set")
    address = ("127.0.0.1", int(os.environ["RECADO_PORT"]))
    http.server.HTTPServer(address, Handler).serve_forever()
