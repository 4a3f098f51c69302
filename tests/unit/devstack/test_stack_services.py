"""What Recado's own services are given as child processes of the stack."""

from pathlib import Path

from recado.devstack.stack.services import Service


def test_a_service_has_few_arenas_of_malloc_where_the_environment_does_not_say_otherwise(
    tmp_path: Path,
) -> None:
    """As in the images, or the memory of LanceDB's threads would be another one there."""
    plain = Service("rag", tmp_path, port=1, environment={})
    assert plain.process.environment == {"MALLOC_ARENA_MAX": "2", "RECADO_PORT": "1"}
    told = Service("rag", tmp_path, port=1, environment={"MALLOC_ARENA_MAX": "8"})
    assert told.process.environment == {"MALLOC_ARENA_MAX": "8", "RECADO_PORT": "1"}
