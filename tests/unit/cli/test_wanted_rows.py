"""What is typed as filters, as MongoDB is asked."""

import pytest

from recado.cli import stored
from recado.cli.output import CliError
from recado.cli.wanted_rows import all_of, equal, names_of, span, where, with_text


def test_nothing_typed_asks_for_everything() -> None:
    assert all_of(span(None, None).of("at"), equal(kind=None), where(None, None)) == {}


def test_text_is_searched_for_as_it_was_typed() -> None:
    """It is no pattern."""
    assert with_text("¿5 (x)?")["text"] == {"$regex": r"¿5\ \(x\)\?", "$options": "i"}


def test_an_integration_is_not_taken_for_another_whose_name_begins_so() -> None:
    assert where(None, "soporte") == {"conversation": {"$regex": "^[^:]+:soporte:"}}


@pytest.mark.parametrize("typed", ["+593 99 123-4567", "593 (99) 1234567"])
def test_a_number_is_found_with_or_without_its_signs(typed: str) -> None:
    assert list(names_of(typed)) == [typed, "593991234567"]


def test_a_name_of_another_kind_stays_as_it_is() -> None:
    assert list(names_of("telegram:telegram-demo:7")) == ["telegram:telegram-demo:7"]


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(CliError) as refused:
        span("1h", "2h")
    assert refused.value.exit_status == 2


def test_a_status_that_no_message_can_have_is_refused() -> None:
    """Rather than nothing being found."""
    with pytest.raises(CliError, match="--status is one of sent, delivered"):
        stored.messages(result="arrived")
