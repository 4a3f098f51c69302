"""Where sentences end, for Spanish support pages.

A sentence ends at `.`, `!`, `?` or `…` (with closing quotes or brackets) if white space follows
and then something that can begin a sentence: a capital letter, a digit, an opening mark. It does
not end after an abbreviation or an initial. When in doubt two sentences stay one: a chunk that is
a little long does no harm, a sentence cut in two does.
"""

import re
from collections.abc import Iterator

# Possessive, and begun only where a run of marks begins: linear in time whatever the text is.
_END = re.compile(
    r"""(?<![.!?…])[.!?…]++["'»”’)\]]*+   # the marks, and what closes with them
        (?P<space>\s++)
        (?=[¿¡"'«“‘(\[]*+[^\W_])          # what can begin a sentence; whether it does: `_ends`
    """,
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"\w*$")
_LONGEST_ABBREVIATION = 6

# fmt: off
_ABBREVIATIONS = frozenset({
    "art", "av", "avda", "aprox", "cap", "cel", "cía", "dept", "depto", "dir", "dpto", "dr",
    "dra", "ed", "ej", "esq", "etc", "ext", "fig", "gral", "incl", "ing", "lic", "máx", "mín",
    "nro", "núm", "num", "pág", "págs", "pje", "prof", "pza", "sr", "sra", "sres", "srta", "ss",
    "tel", "telf", "ud", "uds", "vd", "vds", "vol", "vs",
})
# fmt: on
"""Written with a point, and often followed by a capital or a digit. "No." is not among them: as
an answer it is a whole sentence far more often than it stands for "number"."""


_DOUBLED = frozenset({"AA", "CC", "EE", "FF", "HH", "JJ", "OO", "RR", "UU"})
"""Initials of plurals: EE. UU., RR. HH."""


def sentences(text: str) -> Iterator[tuple[str, str]]:
    """Yield (white space before, sentence); joined in order they are `text.strip()` again."""
    text = text.strip()
    start, space = 0, ""
    for end in _END.finditer(text):
        if not _ends(text, end):
            continue
        yield space, text[start : end.start("space")]
        start, space = end.end(), end["space"]
    if start < len(text):
        yield space, text[start:]


def _ends(text: str, end: re.Match[str]) -> bool:
    following = text[end.end() :].lstrip("\"'«“‘([")
    if following[0] not in "¿¡" and not (following[0].isupper() or following[0].isdigit()):
        return False
    if text[end.start()] != ".":
        return True
    before = _LAST_WORD.search(text, max(0, end.start() - _LONGEST_ABBREVIATION), end.start())
    word = before[0] if before else ""
    initial = len(word) == 1 and word.isalpha() and word.isupper()
    return not (initial or word in _DOUBLED or word.lower() in _ABBREVIATIONS)
