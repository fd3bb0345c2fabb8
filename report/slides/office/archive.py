"""A deck as bytes: the same ones whenever and wherever the same deck is packed."""

import re
import time
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pptx.presentation import Presentation

from experiments.faults import Faults

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_FIRST = ("[Content_Types].xml", "_rels/.rels")
_SVG_PART = re.compile(rb'<Override PartName="[^"]+\.svg" ContentType="image/svg\+xml"/>')
_SVG_ENDING = b'<Default Extension="svg" ContentType="image/svg+xml"/>'


def packed(deck: Presentation) -> bytes:
    """The deck's archive, with its parts in the order of their names and no time in it.

    Faults where the clock stands before 1980, for which python-pptx can write none.
    """
    saved, content = BytesIO(), BytesIO()
    if time.localtime() < _EARLIEST:
        raise Faults("deck.pptx: no PowerPoint file can be written before 1980; set this machine's clock")
    deck.save(saved)
    with ZipFile(saved) as source, ZipFile(content, "w") as archive:
        names = source.namelist()
        for name in sorted(names, key=lambda name: (name not in _FIRST, name)):
            part = source.read(name)
            entry = ZipInfo(name, _EARLIEST)
            entry.create_system = 0
            entry.compress_type = ZIP_STORED if name.endswith(".png") else ZIP_DEFLATED
            archive.writestr(entry, _by_ending(part) if name == _FIRST[0] else part, compresslevel=6)
    return content.getvalue()


def _by_ending(content_types: bytes) -> bytes:
    """The list of content types with one line for all SVG files, as PowerPoint itself writes it."""
    plain, n_parts = _SVG_PART.subn(b"", content_types)
    return plain.replace(b"<Override", _SVG_ENDING + b"<Override", 1) if n_parts else content_types
