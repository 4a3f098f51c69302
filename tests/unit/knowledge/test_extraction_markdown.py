"""Markdown to sections."""

from recado.knowledge.extraction import ExtractedDocument, extract
from recado.knowledge.model import Section


def markdown(text: str, name: str = "ayuda/reiniciar-el-router.md") -> ExtractedDocument:
    return extract(text.encode(), "text/markdown", name=name)


def test_headings_become_title_and_section_paths() -> None:
    found = markdown(
        "# Router\n\nIntro.\n\n## Luces\n\nVerde.\n\n### Roja\n\nMal.\n\n## Cables\n\nGris."
    )
    assert found.title == "Router"
    assert found.sections == (
        Section((), "Intro."),
        Section(("Luces",), "Verde."),
        Section(("Luces", "Roja"), "Mal."),
        Section(("Cables",), "Gris."),
    )


def test_inline_markup_goes_and_text_stays() -> None:
    found = markdown(
        "Pulsa **Reset** con `192.168.1.1`,\n_luego_ ~~no~~ espera.  \nListo <b>ya</b>."
    )
    assert found.sections[0].text == "Pulsa Reset con 192.168.1.1, luego no espera. Listo ya."


def test_links_to_other_sites_keep_their_address() -> None:
    found = markdown(
        "Mira [la guía](https://fibralia.example/guia), [esto](otra.md), <https://a.example>"
        " o escribe a [soporte](mailto:ayuda@fibralia.example). ![Foto del router](r.png)"
    )
    assert found.sections[0].text == (
        "Mira la guía (https://fibralia.example/guia), esto, https://a.example"
        " o escribe a soporte (ayuda@fibralia.example). Foto del router"
    )


def test_lists_stay_lists() -> None:
    found = markdown("- Uno\n  - dentro\n- Dos\n\n  sigue\n\n3. Tres\n4. Cuatro")
    assert found.sections[0].text == "- Uno\n  - dentro\n- Dos\n  sigue\n\n3. Tres\n4. Cuatro"


def test_tables_stay_tables() -> None:
    found = markdown("| Plan | Precio |\n|:--|--:|\n| **600** | 34 \\| 35 |")
    assert found.sections[0].text == "| Plan | Precio |\n| --- | --- |\n| 600 | 34 / 35 |"


def test_code_and_quotes_are_kept_and_html_loses_its_tags() -> None:
    found = markdown(
        "```\nping -c 3\n```\n\n> Ojo.\n\n<div>Aviso <b>serio</b><!-- no --></div>\n\n---\n"
    )
    assert found.sections[0].text == "ping -c 3\n\nOjo.\n\nAviso serio"


def test_front_matter_gives_title_and_language() -> None:
    found = markdown('---\ntitle: "Pagos"\nlang: es-AR\ntags: [x]\n---\n# Pagos\n\nTexto.')
    assert (found.title, found.language) == ("Pagos", "es-AR")
    assert found.sections == (Section((), "Texto."),)


def test_a_page_without_a_heading_is_titled_by_its_name() -> None:
    found = markdown("Solo texto.")
    assert (found.title, found.language) == ("reiniciar el router", "es")


def test_a_second_heading_of_level_1_is_a_section() -> None:
    found = markdown("# Uno\n\nA.\n\n# Dos\n\nB.\n\n## Tres\n\nC.")
    assert [section.path for section in found.sections] == [(), ("Dos",), ("Dos", "Tres")]
