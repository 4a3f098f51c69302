"""Past messages answered once more, with another prompt, model or number of passages.

It is the code that answers customers: `Answering`, `Ladder`, `Retriever`, the prompts and `Gemini`.
What it is given is what an answer event recorded: the history as the model saw it, whether the
answer introduced the assistant, and, with the retrieval frozen, the passages that were found.
So nothing but the variation differs, and where the answerer is deterministic, a replay
without any variation gives the texts that were sent.

- `cases`: what goes into a replay and what comes out, one JSON line each.
- `frozen`: the recorded past and passages, in the place of MongoDB and the knowledge base.
- `replaying`: one case answered once more, and many, no more than so many at a time, in order.
- `comparing`: what differs between the answer of then and that of now.
- `apart`: the environment of the process that does it. `__main__`: that process.

A replay sends nothing and publishes nothing. Its process knows neither Kafka nor MongoDB nor a
platform: it reads cases on its standard input and writes outcomes to its standard output, and
its environment holds nothing but what a search and, where it is asked for, the model need.
"""
