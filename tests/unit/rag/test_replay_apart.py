"""What the process of a replay is given, and what it is not."""

from recado.rag.replay.apart import environment
from recado.rag.replay.cases import Answerer, Order, Source, Variation

FROZEN = Order(variation=Variation())
LIVE = Order(variation=Variation(retrieval=Source.LIVE))
GEMINI = Order(variation=Variation(answerer=Answerer.GEMINI))

WHOLE = {
    "PATH": "/usr/bin",
    "LC_ALL": "C.UTF-8",
    "RECADO_LANCEDB_PATH": "/data",
    "RECADO_KNOWLEDGE": "lancedb",
    "RECADO_WEAVIATE_API_KEY": "reader",
    "RECADO_PASSAGES": "4",
    "RECADO_GEMINI_API_KEY": "key",
    "RECADO_GEMINI_MODEL": "gemini-3.8-flash",
    "RECADO_INTEGRATIONS_FILE": "/etc/integrations.yaml",
    "RECADO_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "RECADO_KAFKA_USERNAME": "rag",
    "RECADO_KAFKA_PASSWORD": "secret",
    "RECADO_MONGODB_URL": "mongodb://user:password@mongodb",
    "RECADO_PORT": "9001",
    "WHATSAPP_ACCESS_TOKEN": "token",
    "TELEGRAM_BOT_TOKEN": "token",
    "SOMETHING_ELSE": "secret",
}


def test_it_gets_what_a_search_needs_and_nothing_of_a_platform_of_kafka_or_of_mongodb() -> None:
    assert environment(WHOLE, FROZEN).keys() == {
        "PATH",
        "LC_ALL",
        "RECADO_LANCEDB_PATH",
        "RECADO_KNOWLEDGE",
        "RECADO_WEAVIATE_API_KEY",
        "RECADO_PASSAGES",
        "RECADO_GEMINI_MODEL",
    }
    assert environment(WHOLE, LIVE) == environment(WHOLE, FROZEN)


def test_it_gets_geminis_key_only_where_gemini_answers_or_embeds() -> None:
    assert "RECADO_GEMINI_API_KEY" in environment(WHOLE, GEMINI)
    embedding = {**WHOLE, "RECADO_EMBEDDER": "gemini"}
    assert "RECADO_GEMINI_API_KEY" in environment(embedding, LIVE)
