"""The indexer: keeps the knowledge base as the documents topic says.

Promises:

- A submitted document replaces all that the knowledge base had of it, in one step for a reader;
  a withdrawn one goes. Documents of one id are handled in the order of the topic.
- A record is committed after the store has made it durable. Handled again, it changes nothing: a
  document whose content is stored already is not embedded again.
- A document that can't be chunked becomes a dead letter and leaves what was there.
- The store being down stops nothing but the indexer's progress: it waits, and nothing is lost.
"""
