"""How the contenders that are ASGI applications are served: all alike, and as ingress is.

Imported in the environment of the peers too, so it needs nothing of Recado.
"""

import uvicorn
from starlette.types import ASGIApp


def serve(app: ASGIApp, port: int) -> None:
    """Serve until stopped."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
