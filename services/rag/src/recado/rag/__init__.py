"""rag: answers customers' messages from the knowledge base.

It reads `recado.messages` and writes one `AnswerGenerated` to `recado.answers` for every message
that wants an answer.

- `handling`: one record in, at most one answer out; nothing is committed before Kafka has it.
- `answering`: how an answer comes about, from the best rung of the ladder that holds.
- `understanding`, `commands`, `smalltalk`: what the customer wants.
- `followups`, `retrieval`: what is searched for, and how.
- `prompt`, `model`, `gemini`: what the model is asked, by whom, and what can go wrong.
- `citations`, `extractive`: answers that name their sources, with and without a model.
- `history`, `conversations`: what was said before. `coverage`: what is answered already.
- `texts`: everything that a customer reads which no model wrote.

Delivery: at least once. The answer's id is derived from the messages that it answers, so a repeat
is recognised by whoever reads it; after a crash what is answered already is read from
`recado.answers`, so that the model is not paid twice.

Messages that get no answer: reactions, edits, revoked messages, system messages, and updates that
no customer wrote (`understanding` has the list); messages older than `RECADO_MESSAGE_MAX_AGE`;
messages that are covered by an answer already.
"""
