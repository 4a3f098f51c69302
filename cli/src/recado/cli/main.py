"""The entry of the `recado` command.

The commands are imported inside of it: that takes more than a second, and Ctrl-C in that time is
as little an error as later.
"""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command; Ctrl-C ends it with status 130 and without a traceback."""
    try:
        from recado.cli.commands import run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
