"""What every Recado service stands on.

- `settings`: what is set by the environment; an error at start-up names the key.
- `logs`: structured logs without secrets or message bodies.
- `metrics`: the one list of all metrics; `exposition`: what of it one service exposes.
- `tracing`: W3C trace context over Kafka and HTTP.
- `health`: `/healthz`, `/readyz`, `/metrics`.
- `kafka`: the broker connection, and events published with every acknowledgement awaited.
- `topics`: create and update the topics of the contract.
- `service`: run until stopped or failed, and stop in order.
"""
