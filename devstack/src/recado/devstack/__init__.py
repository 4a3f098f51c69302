"""Stand-ins for the outside world, and the embedded stack: for demo, tests and benchmarks.

- `standins`: WhatsApp, Telegram and Gemini as far as Recado uses them; they check requests.
- `stack`: Kafka, MongoDB's stand-in, the stand-ins and the four services as child processes.
- `webhooks`: webhook requests as the platforms make them.
- `sample`: an invented provider's help pages, and questions about them.

Never installed in production.
"""
