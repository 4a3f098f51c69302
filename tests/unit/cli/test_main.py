"""The command's entry: what the user can mend is one sentence, and Ctrl-C is no traceback."""

import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from typer.testing import CliRunner

from recado.cli.commands import app, run_command
from recado.cli.main import main
from recado.cli.output import CliError

COMMANDS = (
    ("up",),
    ("ask",),
    ("index",),
    ("webhooks",),
    ("conversations",),
    ("messages",),
    ("events",),
    ("dead-letters",),
    ("timeline",),
    ("replay",),
    ("topics", "apply"),
    ("telegram", "set-webhook"),
)


class CtrlC(MetaPathFinder):
    """Ctrl-C, typed while the commands are being imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "recado.cli.commands":
            raise KeyboardInterrupt
        return None


def test_ctrl_c_while_the_command_is_loaded_ends_it_with_130(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "recado.cli.commands")
    monkeypatch.setattr(sys, "meta_path", [CtrlC(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_the_entry_itself_loads_nothing_that_takes_time() -> None:
    """What is loaded before `main` runs is not covered by it."""
    script = "import sys, recado.cli.main; print(*{'typer', 'rich', 'pydantic'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", script]).strip() == b""


def test_an_error_of_the_user_is_one_sentence_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> None:
        raise CliError("There is no such thing.", 3)

    monkeypatch.setattr("recado.cli.commands.app", failing)
    with pytest.raises(SystemExit) as ended:
        run_command()
    assert ended.value.code == 3
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "Error: There is no such thing.\n")


def test_a_wrong_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECADO_KAFKA_SECURITY_PROTOCOL", "hunter2")
    monkeypatch.setattr(sys, "argv", ["recado", "webhooks"])
    with pytest.raises(SystemExit) as ended:
        run_command()
    assert ended.value.code == 78
    written = capsys.readouterr().err
    assert written.startswith("Error: RECADO_KAFKA_SECURITY_PROTOCOL: ")
    assert "hunter2" not in written


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_json(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0
    assert "--json" in shown.output


@pytest.mark.parametrize("command", [("up",), ("ask", "hola")], ids=" ".join)
def test_without_the_demo_s_parts_the_demo_s_commands_say_what_to_install(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.startswith("recado.devstack")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "recado.cli.asking", raising=False)
    monkeypatch.setitem(sys.modules, "recado.devstack", None)
    failed = CliRunner().invoke(app, command)
    assert isinstance(failed.exception, CliError)
    assert "install recado-cli[demo]" in str(failed.exception)


@pytest.mark.parametrize(
    "wrong",
    [
        ("up", "--knowledge", "no/such/folder"),
        ("index", "no/such/folder"),
        ("ask", "hola", "--timeout", "-1"),
        ("ask", "hola", "--platform", "signal"),
        ("webhooks", "--limit", "0"),
        ("topics", "apply", "--replication-factor", "0"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_refused_before_anything_is_done(wrong: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, wrong).exit_code == 2
