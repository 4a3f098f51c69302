"""MongoDB made again from the topics, by the code that recorded them. See decision 0017.

Nothing in here sends or writes to Kafka, and none of it imports what does.
"""
