"""Write the exported contract: JSON Schema of every event, AsyncAPI of every service.

    python tools/export_contract.py [FOLDER]      (default: schemas/exported)
"""

import sys
from pathlib import Path

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

import recado.dispatcher.app
import recado.indexer.app
import recado.ingress.app
import recado.rag.app
from recado.schemas import export

BROKERS = {
    "ingress": recado.ingress.app.asyncapi_broker,
    "rag": recado.rag.app.asyncapi_broker,
    "dispatcher": recado.dispatcher.app.asyncapi_broker,
    "indexer": recado.indexer.app.asyncapi_broker,
}


def asyncapi(service: str, broker: KafkaBroker) -> str:
    """The service's AsyncAPI document."""
    document = AsyncAPI(
        broker,
        title=f"Recado {service}",
        version="1",
        description=f"What {service} reads and writes.",
        schema_version="3.0.0",
    ).to_specification()
    return export.dump(document.to_jsonable())


def main(folder: Path) -> None:
    """Write all files, and remove those that are no longer exported."""
    files = export.json_schemas()
    for service, broker in BROKERS.items():
        files[f"asyncapi-{service}.json"] = asyncapi(service, broker())
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - files.keys():
        (folder / stale).unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "schemas" / "exported"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
