"""What can go wrong with the knowledge base, by what the caller should do.

    KnowledgeError
    ├── KnowledgeUnavailable    the store is down, slow or busy: the same call may succeed later
    ├── KnowledgeMisconfigured  the store and this process do not fit: only an operator can mend it
    │   └── EmbedderMisconfigured   so it is with the embedding model: its name, its key
    ├── NotInstalled            a setting chooses what this installation does not have
    └── InvalidDocument         this document can't be taken as it is; others can

No message holds text of a document or of a query.
"""


class KnowledgeError(Exception):
    """Anything that this library raises on purpose."""


class KnowledgeUnavailable(KnowledgeError):
    """The store failed to do what was asked, for a reason that passes. Nothing is half written."""


class KnowledgeMisconfigured(KnowledgeError):
    """The stored collection was made differently from what this process would make.

    `differences` maps the name of each setting to (what is stored, what is configured).
    """

    def __init__(self, collection: str, differences: dict[str, tuple[str, str]]) -> None:
        self.collection = collection
        self.differences = differences
        told = "; ".join(
            f"{name} is {stored} in the store and {wanted} here"
            for name, (stored, wanted) in sorted(differences.items())
        )
        super().__init__(f"collection {collection!r} does not fit: {told}")


class EmbedderMisconfigured(KnowledgeMisconfigured):
    """The embedding model will never answer as it is configured. No collection is concerned."""

    def __init__(self, embedder: str, reason: str) -> None:
        super().__init__("", {})
        self.embedder = embedder
        self.reason = reason
        self.args = (f"embedder {embedder!r} can't be used: {reason}",)


class NotInstalled(KnowledgeError):
    """`setting` (as the operator writes it) needs an extra of recado-knowledge that is not here."""

    def __init__(self, setting: str, extra: str) -> None:
        self.setting = setting
        self.extra = extra
        super().__init__(
            f"{setting} needs what is not installed: pip install 'recado-knowledge[{extra}]'"
        )


class InvalidDocument(KnowledgeError):
    """A document that can't be extracted, chunked or stored. `source` names it."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{source}: {reason}")
