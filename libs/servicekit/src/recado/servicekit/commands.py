"""What `python -m` of a service takes that can also prepare what it needs, and nothing else."""

import sys
from collections.abc import Callable, Sequence

EXIT_USAGE = 2


def serve_or_prepare(
    module: str,
    arguments: Sequence[str],
    *,
    serve: Callable[[], int],
    prepare: Callable[[], int],
) -> int:
    """Serve where there is no argument, prepare where it is `prepare`; the exit status.

    Anything else is told in one sentence on stderr, begins nothing and gives `EXIT_USAGE`.
    """
    match list(arguments):
        case []:
            return serve()
        case ["prepare"]:
            return prepare()
    sys.stderr.write(f"python -m {module} takes no argument, or `prepare`.\n")
    return EXIT_USAGE
