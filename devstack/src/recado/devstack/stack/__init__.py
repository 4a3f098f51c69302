"""The embedded stack: all that Recado needs, as child processes on loopback.

`Stack` starts Kafka, MongoDB's stand-in, the platforms' stand-ins and Recado's own services,
says what runs, and stops all of it. Nothing outlives the process that started it, not even when
that one is killed with SIGKILL. An address in the environment takes the place of a part.
"""
