"""Ingress: webhooks in, Kafka events out.

What it promises:
- a request is answered with 200 only after Kafka has acknowledged every event of it, the record of
  the request itself included; else it is 503 with `Retry-After`, and the platform sends it again;
- nothing of a request that is not authentic is parsed, and what it leaves behind is bounded;
- an authentic request is never refused for its content: what can't be read is recorded with its
  error and answered with 200, since a 4xx makes Meta repeat it for 7 days and Telegram hold back
  that chat;
- memory is bounded whatever comes in and however long Kafka is away; it recovers by itself.

A 503 claims nothing: the events of such a request may reach Kafka all the same, in part or whole.
The platform's repeat carries the same derived ids, so they are recognised downstream; the record of
each request has an id of its own, so the log shows every one.

The path of a request: `http` → `reception` → a channel → `recording` → `outbox` → `link`.
"""
