"""Files to sections: PDF, DOCX, CSV, HTML, Markdown and plain text, each by its own parser.

`open_document` reads a file of any size part by part; `extract` a small one at once.

What is kept: the title, the heading path of every section, the page (PDF), lists and tables
(written as `recado.knowledge.blocks` says), the language where the file names one, `es` where not.
What goes: inline markup, and from HTML scripts and navigation. A link to another site keeps its
address, because a customer may need it.

A file is taken or refused whole: `InvalidDocument` names it and says why (empty, encrypted,
scanned, broken, not what its name says, in no sure encoding, too large: `limits`). Parsing is CPU
work on the calling thread or in a child process: about 10 ms for a page of some hundred words.

Needs the extra `extraction`.
"""

from recado.knowledge.extraction.files import MAX_WHOLE_BYTES, extract
from recado.knowledge.extraction.kinds import MEDIA_TYPES, media_type_of
from recado.knowledge.extraction.limits import MAX_BYTES, PART_BYTES
from recado.knowledge.extraction.outline import ExtractedDocument
from recado.knowledge.extraction.parts import Extraction, open_document

__all__ = [
    "MAX_BYTES",
    "MAX_WHOLE_BYTES",
    "MEDIA_TYPES",
    "PART_BYTES",
    "ExtractedDocument",
    "Extraction",
    "extract",
    "media_type_of",
    "open_document",
]
