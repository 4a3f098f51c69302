"""Whatever the model writes: parts that fit, hold the whole text and break no platform's rule."""

import re
from itertools import pairwise

import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.contract import Part
from recado.channels.markup import Span, Style, StyledText, read_markdown
from recado.channels.splitting import split, utf16_length
from recado.channels.telegram import format as telegram
from recado.channels.whatsapp import format as whatsapp
from recado.devstack.standins.telegram_entity_rules import broken_rules

from .answers import CLUSTERS, documents, scraps, sentences, words

LIMIT = 4096
MARKS = "*_~`"

answers = documents() | scraps()
# Shares of the profile's number: these examples are whole answers.
PROFILE = settings.get_current_profile_name()
EXAMPLES = settings.get_profile(PROFILE).max_examples
few = settings(max_examples=EXAMPLES * 2 // 5)
fewer = settings(max_examples=EXAMPLES // 10)


def visible(text: str) -> str:
    """Without blanks: nothing else may be lost where a text is cut."""
    return "".join(text.split())


def unmarked(part: str, shown: str) -> str:
    """What is in the part beyond the shown text, which is in it in its order."""
    rest, at = [], 0
    for character in part:
        if at < len(shown) and character == shown[at]:
            at += 1
        else:
            rest.append(character)
    assert at == len(shown), "some of the text is missing"
    return "".join(rest)


@few
@given(answers)
def test_telegrams_parts_fit_and_together_are_the_text(text: str) -> None:
    shown = read_markdown(text, links=telegram._is_web_address).text
    parts = telegram.format_text(text)
    assert visible("".join(part.text for part in parts)) == visible(shown)
    assert all(0 < utf16_length(part.text) <= LIMIT for part in parts)


@few
@given(answers)
def test_telegrams_entities_break_no_rule_that_telegram_documents(text: str) -> None:
    for part in telegram.format_text(text):
        entities: list[JsonValue] = [
            one.model_dump(mode="json", exclude_none=True) for one in part.entities
        ]
        assert broken_rules(part.text, entities) == []


@few
@given(answers)
def test_whatsapps_parts_fit_and_hold_the_text_and_marks_alone(text: str) -> None:
    shown = read_markdown(text, links=lambda _: False).text
    parts = whatsapp.format_text(text)
    assert all(0 < utf16_length(part.text) <= LIMIT for part in parts)
    added = unmarked(visible("".join(part.text for part in parts)), visible(shown))
    assert set(added) <= set(MARKS)


@few
@given(documents())
def test_whatsapps_marks_are_closed_in_their_line_and_nested(text: str) -> None:
    for part in whatsapp.format_text(_without_literal_marks(text)):
        outside = re.sub(r"```.*?```", "", part.text, flags=re.DOTALL)
        for line in outside.split("\n"):
            assert _balanced(line), line


def _without_literal_marks(text: str) -> str:
    """The address that holds a mark of its own, taken out: so every mark that is shown is ours."""
    return text.replace("a_(b)_c", "abc")


def _balanced(line: str) -> bool:
    opened: list[str] = []
    for character in line:
        if character in MARKS:
            if opened and opened[-1] == character:
                opened.pop()
            elif character in opened:
                return False
            else:
                opened.append(character)
    return not opened


@few
@given(st.lists(st.sampled_from((*CLUSTERS, "a", "y")), min_size=1, max_size=30), st.data())
def test_a_character_is_never_cut_however_many_code_points_it_has(
    characters: list[str], data: st.DataObject
) -> None:
    text = "".join(characters)
    whole = regex.findall(r"\X", text)
    limit = data.draw(st.integers(max(map(utf16_length, whole)), 40))
    pieces = [piece.text for piece in split(StyledText(text), limit, utf16_length)]
    assert [one for piece in pieces for one in regex.findall(r"\X", piece)] == whole
    assert all(utf16_length(piece) <= limit for piece in pieces)


@st.composite
def styled_texts(draw: st.DrawFn) -> StyledText:
    """A text with spans that nest as those of Markdown do."""
    text = " ".join(draw(st.lists(words, min_size=1, max_size=60)))
    spans: list[Span] = []
    stretches = [(0, len(text))]
    while stretches and len(spans) < 8:
        start, end = stretches.pop(0)
        if end - start < 2:
            continue
        first = draw(st.integers(start, end - 1))
        last = draw(st.integers(first + 1, end))
        spans.append(Span(first, last, draw(st.sampled_from(Style))))
        stretches += [(first, last), (last, end)]
    spans.sort(key=lambda span: (span.start, -span.end))
    return StyledText(text, tuple(spans))


@few
@given(styled_texts(), st.integers(12, 200))
def test_a_styled_stretch_is_cut_only_where_it_is_longer_than_a_piece(
    text: StyledText, limit: int
) -> None:
    pieces = list(split(text, limit))
    # Where each piece lies: nothing but blanks is between them.
    ranges, at = [], 0
    for piece in pieces:
        at = text.text.index(piece.text, at)
        ranges.append((at, at + len(piece.text)))
        at += len(piece.text)
    for (_, end), (start, _) in pairwise(ranges):
        assert not text.text[end:start].strip()
        for span in text.spans:
            if span.start < end and start < span.end:
                assert span.end - span.start > limit


@fewer
@given(st.lists(sentences(), min_size=1, max_size=20), st.integers(1, 200))
def test_code_longer_than_a_message_goes_on_as_code_in_the_next(
    lines: list[str], times: int
) -> None:
    content = "\n".join(lines * times)
    parts = telegram.format_text(f"```sh\n{content}\n```")
    for part in parts:
        (pre,) = part.entities
        assert (pre.type, pre.language) == ("pre", "sh")
        assert (pre.offset, pre.length) == (0, utf16_length(part.text))
    for part in whatsapp.format_text(f"```\n{content}\n```"):
        assert part.text.startswith("```")
        assert part.text.endswith("```")


@st.composite
def counted(draw: st.DrawFn) -> tuple[str, int]:
    """A document each of whose words is another, and how many there are."""
    count = 0

    def word(_found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"w{count}w"

    return re.sub(r"palabra|agua|señal", word, draw(documents())), count


@fewer
@given(counted())
def test_each_word_of_the_markdown_is_shown_once_and_in_order(document: tuple[str, int]) -> None:
    """Tables, lists in lists, links: whatever it stands in, it is neither lost nor repeated."""
    text, count = document
    for parts in (telegram.format_text(text), whatsapp.format_text(text)):
        shown = " ".join(part.text for part in parts)
        numbers = [int(found) for found in re.findall(r"w(\d+)w", shown)]
        assert numbers == list(range(1, count + 1))


def test_a_part_survives_the_ledger() -> None:
    """What is stored and read back is what was made."""
    for part in telegram.format_text("**a** [b](https://x.pe) `c`"):
        assert Part.model_validate_json(part.model_dump_json()) == part
