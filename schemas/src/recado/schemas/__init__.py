"""Recado's event contract: what travels between the services, and where.

- `events`: the events, frozen Pydantic models told apart by `type`.
- `topics`: the topics, with the settings they must be created with.
- `ids`: identifiers that are derived from what they name, so that a redelivery is recognised.
- `encoding`: events to Kafka records and back, as CloudEvents in binary mode.

Writers are strict: a field that the model does not know is an error. Readers ignore what they do
not know, so a reader may be older than its writer.
"""
