"""Markdown as a model may write it, for tests of what the platforms are sent."""

from collections.abc import Callable

from hypothesis import strategies as st

PLAIN = ("palabra", "agua", "señal", "🙂", "שלום", "مرحبا", "\u200fעם\u200e", "日本語", "ñandú")
CLUSTERS = (
    "👨‍👩‍👧‍👦",  # joined by U+200D
    "👍🏽",  # with a skin tone
    "🇵🇪",  # a flag: two regional indicators
    "🏳️‍🌈",
    "1️⃣",
    "n\u0303",  # a letter and its accent
    "한",  # Hangul by its parts
)
"""One character each to a reader, several to Python."""
STRAY = ("_", "*", "~", "[", "]", "`", "(", ")", "**", "~~", "](", "<", "&", "#", "|", "\\", ">")

words = st.sampled_from(PLAIN + CLUSTERS) | st.from_regex(r"[a-zñá]{1,12}", fullmatch=True)
long_words = st.builds(
    lambda piece, times: piece * times, st.sampled_from(("x", *CLUSTERS)), st.integers(1, 5000)
)


def sentences(of: st.SearchStrategy[str] = words) -> st.SearchStrategy[str]:
    """A few words, with an end or without."""
    return st.builds(
        lambda some, end: " ".join(some) + end,
        st.lists(of, min_size=1, max_size=12),
        st.sampled_from(("", ".", "!", "…")),
    )


def _wrapped(before: str, after: str) -> Callable[[str], str]:
    return lambda text: before + text + after


def _inline() -> st.SearchStrategy[str]:
    styled = [
        sentences().map(_wrapped(mark, mark[::-1]))
        for mark in ("**", "*", "_", "~~", "`", "***", "**_")
    ]
    links = [
        sentences().map(_wrapped("[", f"]({address})"))
        for address in ("https://example.com/a_(b)_c", "tel:123", "<http://x y>", "https://", "#a")
    ]
    return st.one_of(sentences(), *styled, *links)


def _paragraph() -> st.SearchStrategy[str]:
    return st.lists(_inline(), min_size=1, max_size=8).map(" ".join)


def _list(marker: str) -> st.SearchStrategy[str]:
    """A list; each of its items lies deeper than the last, or beside it."""
    return st.lists(st.tuples(st.integers(0, 3), _inline()), min_size=1, max_size=8).map(
        lambda items: "\n".join("   " * depth + f"{marker} {text}" for depth, text in items)
    )


def _table() -> st.SearchStrategy[str]:
    return st.lists(st.lists(sentences(), min_size=1, max_size=4), min_size=1, max_size=5).map(
        lambda rows: "\n".join(
            [
                *(f"| {' | '.join(row)} |" for row in rows[:1]),
                "|" + "---|" * len(rows[0]),
                *(f"| {' | '.join(row)} |" for row in rows[1:]),
            ]
        )
    )


def _code() -> st.SearchStrategy[str]:
    return st.builds(
        lambda language, lines, times: f"```{language}\n" + "\n".join(lines * times) + "\n```",
        st.sampled_from(("", "sh", "python")),
        st.lists(sentences(), min_size=1, max_size=6),
        st.integers(1, 100),
    )


def documents() -> st.SearchStrategy[str]:
    """Whole answers: paragraphs, headings, lists in lists, quotes, tables, code, long words."""
    blocks = st.one_of(
        _paragraph(),
        _inline().map(_wrapped("## ", "")),
        _inline().map(_wrapped("> ", "")),
        _list("-"),
        _list("1."),
        _table(),
        _code(),
        long_words,
        st.builds(lambda text, times: " ".join([text] * times), _paragraph(), st.integers(1, 80)),
    )
    return st.lists(blocks, min_size=1, max_size=8).map("\n\n".join)


def scraps() -> st.SearchStrategy[str]:
    """Text with stray marks anywhere, and any text at all."""
    pieces = st.one_of(
        words, long_words, st.sampled_from(STRAY), st.sampled_from((" ", "\n", "\n\n", "  \n"))
    )
    return st.lists(pieces, max_size=40).map("".join) | st.text(max_size=300)
