"""The `recado` command: bring the stack up, ask it, feed it, look into it.

Every command takes `--json` and then prints one JSON document on stdout and nothing else there.
A failure is one sentence on stderr and a non-zero exit.
"""
