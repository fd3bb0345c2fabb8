"""Pictures as parts of the package: each as a PNG, and as an SVG for programs that draw one; each kept once."""

import hashlib
from io import BytesIO

from PIL import Image
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.package import Package
from pptx.parts.slide import SlidePart

_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


class Media:
    """The pictures of one deck."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._parts: dict[bytes, Part] = {}  # by what they hold

    def relate(self, slide: SlidePart, content: bytes, kind: str, name: str) -> str:
        """The id by which the slide refers to this picture; `name` begins the name of its part."""
        if content not in self._parts:
            place = f"/ppt/media/{name}-{hashlib.sha256(content).hexdigest()[:12]}.{kind}"
            self._parts[content] = Part(PackURI(place), _TYPES[kind], self._package, content)
        return slide.relate_to(self._parts[content], RELATIONSHIP_TYPE.IMAGE)


def pixels(png: bytes) -> tuple[int, int]:
    """Width and height of a picture."""
    with Image.open(BytesIO(png)) as image:
        return image.size
