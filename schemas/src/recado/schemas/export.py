"""The contract for readers in other languages: JSON Schema, one file per event type."""

import json

from recado.schemas import topics
from recado.schemas.encoding import event_type_name

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, str]:
    """File name to content, for each event: what a reader will find in the record's value."""
    schemas = {}
    for topic in topics.EVENT_TOPICS:
        for event_type in topic.event_types:
            name = event_type_name(event_type)
            schema = {
                "$schema": DIALECT,
                "$id": f"urn:recado:{name}",
                "x-topic": topic.name,
                "x-key": topic.key,
                "x-partitions": topic.partitions,
                **event_type.model_json_schema(mode="serialization"),
            }
            schemas[f"{name}.json"] = dump(schema)
    return schemas


def dump(content: object) -> str:
    """JSON as it is kept in git: sorted, indented, in UTF-8."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
