"""Which tests xdist must leave in one process, and which begin first."""

import pytest

from support.scheduling import Together, rank


def scope(node_id: str) -> str:
    return Together._split_scope(Together.__new__(Together), node_id)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/unit/lanes/test_keys.py::test_a", "tests/unit/lanes/test_keys.py::test_b[x::y@z]"),
        ("tests/e2e/test_cli.py::test_a", "tests/e2e/test_path.py::test_a"),
    ],
)
def test_a_file_stays_together_and_so_does_what_shares_a_world(one: str, other: str) -> None:
    """Whatever is in the names of its tests."""
    assert scope(one) == scope(other)


def test_other_files_may_go_to_other_processes() -> None:
    """Of one folder, too."""
    assert scope("tests/unit/lanes/test_keys.py::test_a") != scope("tests/unit/lanes/test_b.py::b")


def test_what_takes_longest_begins_first() -> None:
    """The one world, then what starts processes, and last what takes milliseconds."""
    files = [
        "tests/unit/a.py::t",
        "tests/contract/a.py::t",
        "tests/e2e/a.py::t",
        "tests/chaos/a.py",
    ]
    assert sorted(files, key=rank) == [files[2], files[3], files[1], files[0]]
