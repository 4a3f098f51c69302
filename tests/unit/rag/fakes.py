"""What rag stands on, in memory: messages, passages, a model, a knowledge base, conversations."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from recado.knowledge import KnowledgeUnavailable, Passage, SearchResult, StoredDocument
from recado.rag import texts
from recado.rag.errors import HistoryUnavailable, ModelError
from recado.rag.extractive import Thresholds
from recado.rag.history import Conversation
from recado.rag.ladder import Ladder
from recado.rag.model import Generation, Prompt
from recado.rag.retrieval import Retriever
from recado.schemas import ids
from recado.schemas.answers import Retrieval, RetrievedPassage, Usage
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from support.examples import MESSAGE_RECEIVED, NOW

TEXTS = texts.load()
THRESHOLDS = Thresholds(no_answer=0.2, weak=0.35)
SHA256 = "0" * 64


def message(
    text: str | None = "¿Por qué mi internet está lento?",
    *,
    number: int = 1,
    kind: MessageKind = MessageKind.TEXT,
    after: timedelta = timedelta(0),
    **changes: object,
) -> MessageReceived:
    """A customer's message; `number` makes it another one."""
    platform_id = f"wamid.{number}"
    return MESSAGE_RECEIVED.model_copy(
        update={
            "id": ids.message_id("whatsapp-demo", "message", "1234567890", platform_id),
            "platform_message_id": platform_id,
            "occurred_at": NOW + after,
            "kind": kind,
            "platform_kind": kind.value,
            "text": text,
            **changes,
        }
    )


def passage(
    number: int = 1,
    *,
    title: str | None = None,
    text: str = "Reinicia el router. Después prueba por cable.",
    similarity: float = 0.8,
) -> Passage:
    """Passage number 1 scores best."""
    document = ids.document_id("ayuda", f"pagina-{number}.md")
    return Passage(
        document_id=document,
        position=0,
        title=title or f"Página {number}",
        section="",
        text=text,
        page=None,
        source=f"pagina-{number}.md",
        content_sha256=SHA256,
        score=1 / number,
        similarity=similarity,
    )


def retrieved(*passages: Passage) -> Retrieval:
    """These passages as an answer event has them."""
    return Retrieval(
        query="internet lento",
        n=5,
        passages=tuple(
            RetrievedPassage(
                chunk_id=one.id,
                document_id=one.document_id,
                title=one.title,
                source=one.source,
                section=one.section,
                text=one.text,
                score=one.score,
                similarity=one.similarity,
            )
            for one in passages
        ),
    )


class FakeKnowledge:
    """Finds the same passages for every query, or is down."""

    def __init__(self, *passages: Passage, down: bool = False) -> None:
        self.passages = passages
        self.down = down
        self.queries: list[str] = []

    async def open(self) -> None:
        if self.down:
            raise KnowledgeUnavailable("down")

    async def ready(self) -> None:
        await self.open()

    async def search(
        self, query: str, n: int = 5, *, max_distance: float | None = None
    ) -> SearchResult:
        await self.open()
        self.queries.append(query)
        return SearchResult(self.passages[:n], timedelta(milliseconds=1))

    async def stored(self, document_id: UUID) -> StoredDocument | None:
        return None

    async def documents(self) -> tuple[StoredDocument, ...]:
        return ()

    async def close(self) -> None:
        return


class FakeModel:
    """Says what it is told to, or fails as it is told to, and remembers what it was asked."""

    name = "fake-model"

    def __init__(self, *says: str | ModelError) -> None:
        self.says = list(says) or ["Reinicia el router [1]."]
        self.prompts: list[Prompt] = []

    async def generate(self, prompt: Prompt) -> Generation:
        self.prompts.append(prompt)
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, ModelError):
            raise said
        return Generation(said, self.name, Usage(prompt_tokens=100, output_tokens=20))


class FakeConversations:
    """One conversation for all, or MongoDB is away."""

    def __init__(self, conversation: Conversation | None = None, *, away: bool = False) -> None:
        self.conversation = conversation or Conversation(introduced=True)
        self.away = away

    async def read(self, conversation: str) -> Conversation:
        if self.away:
            raise HistoryUnavailable("away")
        return self.conversation


def ladder(
    knowledge: FakeKnowledge, model: FakeModel | None, *, rewrite_follow_ups: bool = False
) -> Ladder:
    """A ladder over fakes."""
    retriever = Retriever(knowledge, timeout=timedelta(seconds=5))
    return Ladder(retriever, model, TEXTS, THRESHOLDS, rewrite_follow_ups=rewrite_follow_ups)


def contents(prompts: Sequence[Prompt]) -> list[str]:
    """The last turn of each prompt."""
    return [prompt.turns[-1].text for prompt in prompts]


def some_id() -> UUID:
    """An id that nothing else has."""
    return uuid4()
