"""What `recado replay` refuses, which answers it takes, and what it shows."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console
from typer.testing import CliRunner

from recado.cli.commands import app
from recado.cli.output import CliError
from recado.cli.replay.past import Past, Selection, as_read, refuse_more_than_recorded
from recado.cli.replay.results import results_file, show
from recado.rag.replay.cases import Case, Outcome, Source, Variation
from recado.rag.replay.comparing import Comparison
from recado.schemas.answers import Rung
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from support.examples import ANSWER_GENERATED, MESSAGE_RECEIVED, NOW

CASE = Case(messages=(MESSAGE_RECEIVED,), answer=ANSWER_GENERATED)
PAST = Past((CASE,), {}, left_out=0, messages_gone=0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--answerer", "keyless", "--model", "m"), "--prompt and --model need --answerer gemini."),
        (("--since", "soon"), "'soon' is no time"),
        (("--since", "1h", "--until", "2h"), "--until is not after --since."),
        (("--message", "wamid.1"), "'wamid.1' is no id of an event"),
        (("--prompt", "{none}"), "can't be read: No such file or directory"),
        (("--prompt", "{empty}"), "is empty."),
        (("--prompt", "{latin}"), "is not UTF-8."),
    ],
)
def test_a_wrong_option_is_one_sentence(
    options: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    """Before anything is read: nothing runs here that could be."""
    (tmp_path / "empty.md").write_text(" \n")
    (tmp_path / "latin.md").write_bytes("Sé breve".encode("latin-1"))
    files = {name: str(tmp_path / f"{name}.md") for name in ("none", "empty", "latin")}
    typed = [option.format(**files) for option in options]
    result = CliRunner().invoke(app, ["replay", *typed])
    assert isinstance(result.exception, CliError)
    assert sentence in str(result.exception)
    assert result.exception.exit_status == 2


@pytest.mark.parametrize(
    "options", [("-n", "0"), ("-n", "51"), ("--rung", "best"), ("--limit", "0")]
)
def test_a_number_or_name_that_can_not_be_is_refused(options: tuple[str, str]) -> None:
    assert CliRunner().invoke(app, ["replay", *options]).exit_code == 2


def test_frozen_can_not_give_more_than_was_recorded() -> None:
    """Five were: four and five are fine, six are only where it searches again."""
    for passages in (None, 4, 5):
        refuse_more_than_recorded(PAST, Variation(passages=passages))
    refuse_more_than_recorded(PAST, Variation(passages=6, retrieval=Source.LIVE))
    with pytest.raises(CliError, match="For 1 of 1 answers fewer than 6 passages"):
        refuse_more_than_recorded(PAST, Variation(passages=6))


def test_an_answer_is_taken_if_all_holds_that_is_asked_for() -> None:
    since = NOW - timedelta(days=1)
    for selection, taken in (
        (Selection(since), True),
        (Selection(since, conversation=ANSWER_GENERATED.conversation), True),
        (Selection(since, conversation="telegram:telegram-demo:1"), False),
        (Selection(since, message=MESSAGE_RECEIVED.id), True),
        (Selection(since, message=ANSWER_GENERATED.id), True),
        (Selection(since, message=uuid4()), False),
        (Selection(since, rungs=frozenset({Rung.GROUNDED})), True),
        (Selection(since, rungs=frozenset({Rung.APOLOGY})), False),
    ):
        assert selection.takes(ANSWER_GENERATED) is taken
    assert Selection(since).stretch.partition is None
    assert (
        Selection(since, conversation=ANSWER_GENERATED.conversation).stretch.partition is not None
    )


def test_messages_are_replayed_as_they_were_read() -> None:
    """With what was edited before work on the answer began; not with what was edited later."""
    first = MESSAGE_RECEIVED.model_copy(update={"text": "mi intrenet va mal"})
    second = MESSAGE_RECEIVED.model_copy(
        update={"id": uuid4(), "platform_message_id": "wamid.2", "text": "y la tele"}
    )
    answer = ANSWER_GENERATED.model_copy(
        update={
            "message_ids": (first.id, second.id),
            "occurred_at": NOW + timedelta(seconds=5),
            "timings": ANSWER_GENERATED.timings.model_copy(update={"total": timedelta(seconds=3)}),
        }
    )

    def edit(text: str, after: timedelta, **changes: object) -> MessageReceived:
        return first.model_copy(
            update={
                "id": uuid4(), "platform_message_id": "wamid.9", "kind": MessageKind.EDIT,
                "text": text, "occurred_at": NOW + after,
                "quoted_message_id": first.platform_message_id, **changes,
            }
        )  # fmt: skip

    edits = (
        edit("mi internet va mal", timedelta(seconds=1)),
        edit("mi internet va bien", timedelta(seconds=3)),
        edit("otra cosa", timedelta(seconds=1), conversation="telegram:telegram-demo:1"),
    )
    read = as_read(answer, {one.id: one for one in (second, first)}, edits)
    assert [(one.id, one.text) for one in read] == [
        (first.id, "mi internet va mal"),
        (second.id, "y la tele"),
    ]


def test_what_is_shown_of_an_answer_has_all_that_it_answers() -> None:
    """The question of each message, in their order."""
    second = MESSAGE_RECEIVED.model_copy(update={"id": uuid4(), "text": "Desde ayer."})
    case = Case(messages=(MESSAGE_RECEIVED, second), answer=ANSWER_GENERATED)
    changed = Comparison(case, Outcome(answer_id=ANSWER_GENERATED.id, problem="no model"))
    screen = Console(file=StringIO(), width=100)
    show((changed,), PAST, Variation(), screen, full=False)
    assert isinstance(screen.file, StringIO)
    shown = screen.file.getvalue()
    assert MESSAGE_RECEIVED.text is not None
    assert 0 < shown.index(MESSAGE_RECEIVED.text) < shown.index("Desde ayer.")
    assert changed.as_json()["question"] == f"{MESSAGE_RECEIVED.text}\nDesde ayer."


def test_a_results_file_is_replaced_only_with_force(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text("kept")
    with pytest.raises(CliError, match="--force replaces it"), results_file(file, force=False):
        pass
    assert file.read_text() == "kept"
    with results_file(file, force=True) as stream:
        assert stream is not None
    assert file.read_text() == ""
    with pytest.raises(CliError, match="can't be written"), results_file(tmp_path, force=True):
        pass


@pytest.mark.parametrize("width", [80, 120])
def test_changed_answers_are_shown_side_by_side_and_all_are_counted(width: int) -> None:
    """Both texts, the rung of each, the delivery of then; the same one is only counted."""
    now = ANSWER_GENERATED.model_copy(
        update={"text": "No lo sé.", "rung": Rung.NOT_KNOWN, "citations": ()}
    )
    lowered = CASE.model_copy(
        update={"answer": ANSWER_GENERATED.model_copy(update={"error": "the model is down"})}
    )
    comparisons = (
        Comparison(CASE, Outcome(answer_id=CASE.answer.id, now=CASE.answer), "delivered"),
        Comparison(lowered, Outcome(answer_id=CASE.answer.id, now=now), "not delivered: expired"),
    )
    screen = Console(width=width, force_terminal=False, record=True, file=StringIO())
    show(comparisons, PAST, Variation(passages=3), screen, full=False)
    shown = screen.export_text()
    assert shown.count("Reinicia el router y repite") == 1
    for said in (
        "No lo sé.",
        "grounded",
        "not_known",
        "not delivered: expired",
        "the model is down",
    ):
        assert said in shown
    assert "n = 3" in shown
    counted = [line.split(maxsplit=1) for line in shown.splitlines() if line[:2].strip().isdigit()]
    assert ["1", "same"] in [[one, rest.strip()] for one, rest in counted]
    assert max(map(len, shown.splitlines())) <= width


def test_what_failed_in_the_replay_is_named() -> None:
    """That a key is refused is not mended by replaying again."""
    now = ANSWER_GENERATED.model_copy(update={"rung": Rung.EXTRACTIVE, "error": "key refused"})
    screen = Console(width=120, force_terminal=False, record=True, file=StringIO())
    failed = Comparison(CASE, Outcome(answer_id=CASE.answer.id, now=now), "delivered")
    show((failed, failed), PAST, Variation(), screen, full=False)
    assert "2  on a lower rung now, for something failed: key refused" in screen.export_text()
