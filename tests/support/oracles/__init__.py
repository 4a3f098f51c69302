"""Other people's parsers, each run in the virtual environment that `tools/oracle.sh` makes.

A process prints, as its first line, the JSON Schema of what it can read. Then it answers each
update, one JSON a line, with what it finds there.
"""
