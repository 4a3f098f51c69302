"""The topics hold what the design rests on."""

from recado.schemas import topics


def test_conversation_topics_have_one_partition_count() -> None:
    keyed = [topic for topic in topics.EVENT_TOPICS if topic.key == "conversation"]
    assert {topic.partitions for topic in keyed} == {topics.CONVERSATION_PARTITIONS}
    assert {topic.name for topic in keyed} == {
        "recado.messages",
        "recado.statuses",
        "recado.answers",
        "recado.deliveries",
    }


def test_conversation_topics_keep_one_clock() -> None:
    for topic in topics.EVENT_TOPICS:
        if topic.key == "conversation":
            assert topic.settings()["message.timestamp.type"] == "LogAppendTime"


def test_each_consuming_service_has_its_dead_letters() -> None:
    names = {topic.name for topic in topics.ALL_TOPICS}
    for service in ("rag", "dispatcher", "indexer"):
        assert f"recado.{service}.dead-letters" in names


def test_documents_are_kept_for_good_and_compacted() -> None:
    settings = topics.DOCUMENTS.settings()
    assert settings["cleanup.policy"] == "compact"
    assert settings["retention.ms"] == "-1"


def test_a_whole_webhook_fits_its_topic_even_as_base64() -> None:
    from recado.schemas.webhooks import MAX_PAYLOAD_BYTES

    assert topics.WEBHOOKS.max_record > MAX_PAYLOAD_BYTES * 4 // 3 + 64 * 1024
