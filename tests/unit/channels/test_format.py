"""An answer's Markdown as each platform shows it, and cut to fit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recado.channels.contract import Part
from recado.channels.telegram import format as telegram
from recado.channels.whatsapp import format as whatsapp

LIMIT = 4096


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def covered(part: Part) -> list[tuple[str, str]]:
    """Each entity's type and the words that it covers, as Telegram counts them."""
    units = part.text.encode("utf-16-le")
    return [
        (one.type, units[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le"))
        for one in part.entities
    ]


def only(parts: tuple[Part, ...]) -> Part:
    (part,) = parts
    return part


ANSWER = """\
## Revisa **esto**

Reinicia el *router* 😀 y **espera `30 s` más** [1].
Luego prueba ~~otra~~ esta [guía](https://example.com/a_b).

- uno
- dos
  1. primero
  2. segundo

> Una cita

---

```sh
ping router
```

[1]: Internet lento
"""


def test_telegram_gets_entities_over_clean_text() -> None:
    part = only(telegram.format_text(ANSWER))
    assert part.text == (
        "Revisa esto\n\n"
        "Reinicia el router 😀 y espera 30 s más [1].\n"
        "Luego prueba otra esta guía.\n\n"
        "• uno\n• dos\n  1. primero\n  2. segundo\n\n"
        "> Una cita\n\n"
        "ping router\n\n"
        "[1]: Internet lento"
    )
    assert covered(part) == [
        ("bold", "Revisa esto"),
        ("italic", "router"),
        ("bold", "espera"),
        ("code", "30 s"),
        ("bold", "más"),
        ("strikethrough", "otra"),
        ("text_link", "guía"),
        ("pre", "ping router"),
    ]
    assert [one.url for one in part.entities if one.url] == ["https://example.com/a_b"]
    assert [one.language for one in part.entities if one.language] == ["sh"]


def test_whatsapp_gets_its_own_marks_and_links_written_out() -> None:
    part = only(whatsapp.format_text(ANSWER))
    assert part.entities == ()
    assert part.text == (
        "*Revisa esto*\n\n"
        "Reinicia el _router_ 😀 y *espera* `30 s` *más* [1].\n"
        "Luego prueba ~otra~ esta guía (https://example.com/a_b).\n\n"
        "• uno\n• dos\n  1. primero\n  2. segundo\n\n"
        "> Una cita\n\n"
        "```ping router```\n\n"
        "[1]: Internet lento"
    )


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("pre**negrita**s", "prenegritas"),
        ("**a*b**", "a*b"),
        ("**uno\ndos**", "*uno*\n*dos*"),
        ("***ambas***", "_*ambas*_"),
        ("mi_red_wifi y *611# o *322#", "mi_red_wifi y *611# o *322#"),
        ("<b>x</b> & 1 < 2", "<b>x</b> & 1 < 2"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("[correo](mailto:a@b.pe)", "correo (a@b.pe)"),
        ("[https://a.pe](https://a.pe)", "https://a.pe"),
        ("1984. Año\n", "1984. Año"),
        ("    sangrado", "sangrado"),
        ("|a|b|\n|-|-|\n|1|2|", "*a* | *b*\n1 | 2"),
        ("*611# es **así**", "*611# es así"),
        ("**así** es 2*3", "*así* es 2*3"),
        ("`` `a` ``", "`a`"),
    ],
)
def test_whatsapp_never_shows_a_stray_mark(markdown: str, shown: str) -> None:
    assert only(whatsapp.format_text(markdown)).text == shown


def test_telegram_writes_out_a_link_that_it_would_not_take() -> None:
    part = only(telegram.format_text("la [guía](guia.md) y [correo](mailto:a@b.pe)"))
    assert part.text == "la guía (guia.md) y correo (a@b.pe)"
    assert part.entities == ()


@pytest.mark.parametrize("address", ["https://", "http://router", "https://x.pe:y", "https:a.pe"])
def test_telegram_writes_out_an_address_that_has_no_host(address: str) -> None:
    """Telegram would let go of the entity, and the address with it."""
    part = only(telegram.format_text(f"la [guía](<{address}>)"))
    assert part.text == f"la guía ({address})"
    assert part.entities == ()


@pytest.mark.parametrize("prefix", ["", "> "])
def test_the_cells_of_a_row_beyond_those_of_the_header_are_not_lost(prefix: str) -> None:
    rows = ["|plan|precio|", "|-|-|", r"|100|20|**con** \| TV|", "|200|30| |"]
    part = only(telegram.format_text("\n".join(prefix + row for row in rows)))
    assert part.text.splitlines()[1:] == [f"{prefix}100 | 20 | con | TV", f"{prefix}200 | 30"]
    assert ("bold", "con") in covered(part)


def test_a_styled_stretch_is_not_cut_even_for_a_short_part() -> None:
    """It begins soon after the part does, and fits into the next."""
    parts = telegram.format_text("uno dos " + "**" + "negrita " * 511 + "f** cola")
    assert [covered(part) for part in parts] == [[], [("bold", "negrita " * 511 + "f")]]


@pytest.mark.parametrize("module", [telegram, whatsapp])
@pytest.mark.parametrize("text", ["---", "![](x)", "\x00", "[](y)", "\ud800"])
def test_what_markdown_would_make_vanish_is_still_a_part(module: object, text: str) -> None:
    assert module in (telegram, whatsapp)
    parts = telegram.format_text(text) if module is telegram else whatsapp.format_text(text)
    assert only(parts).text.encode()


def test_crossing_emphasis_comes_out_nested() -> None:
    part = only(telegram.format_text("**a *b****c* d"))
    for one in part.entities:
        for two in part.entities:
            first, second = sorted((one, two), key=lambda entity: (entity.offset, -entity.length))
            end = first.offset + first.length
            assert second.offset >= end or second.offset + second.length <= end


def test_a_long_answer_is_cut_between_paragraphs() -> None:
    paragraphs = ["palabra " * 150, "otra " * 200, "más " * 300, "fin " * 400, "cola " * 300]
    for module in (telegram, whatsapp):
        parts = module.format_text("\n\n".join(paragraphs))
        assert [part.text.split()[0] for part in parts] == ["palabra", "fin"]
        assert [part.text.split()[-1] for part in parts] == ["más", "cola"]


def test_a_styled_stretch_is_not_cut_where_it_fits_into_one_part() -> None:
    parts = telegram.format_text("x " * 2000 + "**" + "negrita " * 50 + "fin** cola")
    assert len(parts) == 2
    assert [covered(part) for part in parts] == [
        [],
        [("bold", ("negrita " * 50) + "fin")],
    ]


def test_where_every_break_is_in_a_styled_stretch_the_cut_is_before_it() -> None:
    parts = telegram.format_text("x" * 3500 + "**" + "negrita " * 100 + "fin**")
    assert [covered(part) for part in parts] == [[], [("bold", "negrita " * 100 + "fin")]]


def test_a_styled_stretch_longer_than_a_part_is_styled_in_each() -> None:
    for_telegram = telegram.format_text("```\n" + "línea de código\n" * 500 + "```")
    assert len(for_telegram) > 1
    assert all(covered(part) == [("pre", part.text)] for part in for_telegram)
    for part in whatsapp.format_text("```\n" + "línea de código\n" * 500 + "```"):
        assert part.text.startswith("```")
        assert part.text.endswith("```")
        assert utf16(part.text) <= LIMIT


def test_without_any_break_the_cut_is_at_the_limit_and_never_in_a_surrogate_pair() -> None:
    parts = telegram.format_text("a" + "😀" * 5000)
    assert "".join(part.text for part in parts) == "a" + "😀" * 5000
    assert [utf16(part.text) for part in parts] == [4095, 4096, 1810]


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_words_beside_a_fence_are_not_lost_and_a_language_is_not_shown(fence: str) -> None:
    (part,) = telegram.format_text(f"{fence}¿Cuál es tu IP?\nipconfig\n{fence}")
    assert part.text == "¿Cuál es tu IP?\nipconfig"
    (part,) = telegram.format_text(f"{fence}bash\nipconfig\n{fence}")
    assert (part.text, part.entities[0].language) == ("ipconfig", "bash")


MARKDOWN = st.lists(
    st.sampled_from(
        ["**", "*", "_", "`", "```\n", "~~", "[a](https://x.pe)", "\n", "\n\n", "- ", "1. ", "# ",
         "> ", "|a|\n|-|\n", "😀", "á", " ", "¡palabra! ", "[1]", "<i>", "\\", "---\n", "x" * 900]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(MARKDOWN | st.text(max_size=300))
def test_parts_fit_and_hold_every_word_whatever_the_markdown(text: str) -> None:
    for module in (telegram, whatsapp):
        parts = module.format_text(text)
        assert parts == module.format_text(text)
        assert bool(parts) == bool(text.strip())
        for part in parts:
            assert 0 < utf16(part.text) <= LIMIT
            assert part.text == part.text.strip()
            assert Part.model_validate_json(part.model_dump_json()) == part
            for kind, words in covered(part):
                assert words == words.strip(), kind
                assert words
        shown = "".join(part.text for part in parts)
        assert shown.count("palabra") == text.count("palabra")
        assert shown.count("😀") == text.count("😀")
