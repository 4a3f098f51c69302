"""Ask a service in this container for its health: `healthcheck.py PATH PORT`.

Ends with 0 where it answers 200, with 1 and one line that says why where it does not. RECADO_PORT
takes the place of PORT, as in the service itself. The standard library is all it needs.
"""

import http.client
import os
import sys

PATIENCE = 4.0
"""Seconds; a little less than the engine waits for this script."""


def main(path: str, port: str) -> int:
    """Ask once; the exit status."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("RECADO_PORT") or port), timeout=PATIENCE
    )
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{path}: {type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    if answer.status == http.client.OK:
        return 0
    sys.stderr.write(f"{path}: {answer.status} {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
