"""All that Recado knows of each messaging platform, one folder a platform.

- `contract`: what a channel is. A channel verifies, parses, formats and sends; it keeps no state
  and reads nothing but what it is given.
- `registry`: the channels there are.
- `integrations`: the configured accounts, from one YAML file; `watching` and `accounts` follow it
  while a service runs.
- `errors`: everything that can go wrong here.
- `markup`, `splitting`: the answer's small Markdown as text with styles, and cut to fit.

A new platform is a folder beside `whatsapp/` and `telegram/`, and nothing else: docs/channels.md.
"""
