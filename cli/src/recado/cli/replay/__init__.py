"""`recado replay`: past messages answered once more, beside what was sent.

- `command`: the options, and what is wrong with them.
- `past`: the answers that were given and their messages, read from the topics.
- `process`: the process that answers, apart from this one: see `recado.rag.replay`.
- `results`: the file, and what is shown.

Only these modules know `recado.rag`, and only when the command runs.
"""
