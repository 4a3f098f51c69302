"""Plain text. A first line of its own, short and without a full stop, is the title."""

from recado.knowledge.extraction.outline import ExtractedDocument, Outline, one_line

_LONGEST_TITLE = 120


def extract_text(text: str, fallback_title: str) -> ExtractedDocument:
    outline = Outline()
    head, _, rest = text.strip().partition("\n")
    alone = not rest.split("\n", 1)[0].strip() and rest.strip()
    if alone and len(head) <= _LONGEST_TITLE and not head.rstrip().endswith((".", ":", ",", ";")):
        outline.heading(1, one_line(head))
        text = rest
    outline.block(text)
    return outline.document(None, fallback_title)
