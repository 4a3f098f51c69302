"""Write the exported contract: JSON Schema of every event, AsyncAPI of every service.

python tools/export_contract.py [FOLDER]      (default: schemas/exported)
"""

import sys
from pathlib import Path

import recado.dispatcher.app
import recado.dispatcher.handlers
import recado.indexer.app
import recado.ingress.app
import recado.rag.app
from recado.schemas import export
from recado.servicekit import asyncapi

SERVICES = {
    "ingress": (recado.ingress.app.READS, recado.ingress.app.WRITES),
    "rag": (recado.rag.app.READS, recado.rag.app.WRITES),
    "dispatcher": (recado.dispatcher.handlers.READS, recado.dispatcher.app.WRITES),
    "indexer": (recado.indexer.app.READS, recado.indexer.app.WRITES),
}


def main(folder: Path) -> None:
    """Write all files, and remove those that are no longer exported."""
    files = export.json_schemas()
    for service, (reads, writes) in SERVICES.items():
        files[f"asyncapi-{service}.json"] = export.dump(asyncapi.document(service, reads, writes))
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - files.keys():
        (folder / stale).unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "schemas" / "exported"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
