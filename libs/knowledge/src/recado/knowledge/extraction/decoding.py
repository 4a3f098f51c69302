"""From bytes to text, in pieces of bounded size.

The encoding is settled over the whole file before anything of it is given out, so a bad byte at
the end of a large file refuses it at its beginning. In this order:

1. A byte order mark says UTF-8, UTF-16 or UTF-32.
2. What is valid UTF-8 is UTF-8.
3. What can only be Spanish, or a language near it, as Windows writes it (Excel's CSV export, old
   editors) is Windows-1252: `_is_windows` says when. A file of UTF-8 with a broken byte, and one
   in another old encoding, never pass for it.
4. All else is refused, the first byte that is not UTF-8 named.

Why not a statistical detector: charset-normalizer took each of four short Spanish texts in
Windows-1252 for something else (cp1250, mac_latin2, Big5), which garbles what customers read.
"""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recado.knowledge.errors import InvalidDocument

_BLOCK: Final = 256 * 1024
_MARKS: Final = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS: Final = "cp1252"

_ASCII: Final = bytes(range(128))
_LETTERS: Final = "áéíóúüñçàèìòùâêîôûãõëïöÁÉÍÓÚÜÑÇÀÈÊÔÕ".encode(WINDOWS)
_SIGNS: Final = "¿¡©®½¼²³×§".encode(WINDOWS)
_WITHIN_WORDS: Final = "«»“”‘’–—…•€™°´·ºª\N{NO-BREAK SPACE}".encode(WINDOWS)
_KNOWN: Final = frozenset(_LETTERS + _SIGNS + _WITHIN_WORDS)
_IN_A_WORD: Final = re.compile(b"[A-Za-z][" + re.escape(_LETTERS) + b"]")
_SIGN_IN_A_WORD: Final = re.compile(b"[A-Za-z][" + re.escape(_SIGNS) + b"][A-Za-z]")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def settle_encoding(file: io.BufferedIOBase, name: str) -> str:
    """The codec's name for the whole file, which is read once and left at its beginning.

    Raises InvalidDocument if it holds NUL characters, is in no encoding that is sure, or empty.
    """
    head = file.read(4)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
    file.seek(0)
    if marked:
        encoding = marked
        _validate(file, encoding, name)
    else:
        encoding = "utf-8"
        try:
            _validate(file, encoding, name)
        except InvalidDocument as not_utf_8:
            file.seek(0)
            if not not_utf_8.reason.startswith("not UTF-8") or not _is_windows(file):
                raise
            encoding = WINDOWS
    file.seek(0)
    return encoding


def decoded(file: io.BufferedIOBase, encoding: str, name: str) -> Iterator[str]:
    r"""The text in pieces of some 256 KiB, each line end as "\n". Raises InvalidDocument if the
    file is not in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    position = 0
    while True:
        block = file.read(_BLOCK)
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            bad, at = error.object[error.start], position - held + error.start
            told = {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper())
            raise InvalidDocument(name, f"not {told}: byte 0x{bad:02x} at position {at:,}") from (
                error
            )
        position += len(block)
        if text := newlines.decode(text, final=not block):
            yield text
        if not block:
            return


def _validate(file: io.BufferedIOBase, encoding: str, name: str) -> None:
    blank = True
    for text in decoded(file, encoding, name):
        if "\0" in text:
            raise InvalidDocument(name, "binary: it holds NUL characters")
        blank = blank and not text.strip()
    if blank:
        raise InvalidDocument(name, "empty")


def _is_windows(file: io.BufferedIOBase) -> bool:
    """Whether these bytes, which are not UTF-8, can be nothing else than Windows-1252.

    Each byte above ASCII is a letter or sign that such texts use; none that is no letter stands
    between two letters of a word, as it would in DOS and Macintosh files; there is a letter with
    an accent inside a word; and letters with accents are the smaller part. (The bytes of UTF-8's
    accents are "Ã" and signs, the bytes of Cyrillic and Greek nearly all letters above ASCII.)
    """
    accents = plain = 0
    in_a_word = False
    before = b""
    while block := file.read(_BLOCK):
        counted = Counter(block.translate(None, _ASCII))
        seam = before + block
        if _CONTROL.search(block) or not counted.keys() <= _KNOWN or _SIGN_IN_A_WORD.search(seam):
            return False
        in_a_word = in_a_word or bool(_IN_A_WORD.search(seam))
        accents += sum(times for byte, times in counted.items() if byte in _LETTERS)
        plain += len(block) - counted.total()
        before = seam[-2:]
    return in_a_word and accents * 4 <= plain


def open_regular(path: Path, name: str) -> io.BufferedReader:
    """The file, opened. Raises InvalidDocument for what is no file, OSError for what can't be
    opened."""
    if path.is_dir():
        raise InvalidDocument(name, "a directory, not a file")
    if not path.is_file():  # a pipe or device would be waited for without end
        path.stat()  # OSError if there is none, or a loop of links
        raise InvalidDocument(name, "not a regular file")
    return path.open("rb")


def decode(content: bytes, name: str, declared: str | None = None) -> str:
    """The whole of a small file as text, by the same rules; `declared` is what it says itself its
    encoding is, believed if it is not valid UTF-8."""
    file = io.BytesIO(content)
    try:
        encoding = settle_encoding(file, name)
    except InvalidDocument as refused:
        if declared is None or not refused.reason.startswith("not UTF-8"):
            raise
        encoding = declared
    if encoding == WINDOWS and declared:
        encoding = declared
    file.seek(0)
    return "".join(decoded(file, encoding, name))
