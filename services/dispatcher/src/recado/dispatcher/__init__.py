"""The dispatcher: sends each answer once and writes the whole story to MongoDB.

What it promises:

- An answer is sent in the text and parts of its first claim, part by part in order. A crash, a
  rebalance or a second delivery of its event sends nothing again whose result is known; what is not
  known is settled by the platform's status report or, failing that, sent again and counted.
- Every answer ends in exactly one `AnswerDelivered` or `AnswerNotDelivered` (which may be in the
  topic more than once, with one id), acknowledged before the answer's offset is committed.
- Every event of messages, statuses, webhooks and answers changes MongoDB once, however often it is
  delivered. MongoDB away: nothing is sent, nothing is lost, and work goes on when it is back.

Follow an answer: `handlers` (record to event), `sending` (the decision, the loop over parts),
`ledger` (what may be sent by whom), `recording` (the story), `store` (MongoDB).
"""
