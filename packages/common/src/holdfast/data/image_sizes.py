"""How large an image is, by its header: asked before anything is decoded."""

import io
import struct

from PIL import Image, UnidentifiedImageError

from holdfast.data.jpeg import MOST_PIXELS

PNG = b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*")
_CHUNK = 12
"""Bytes of a PNG chunk beside its data: length, kind, checksum."""
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_SHORT = 256, 257, 3


def may_be_decoded(content: bytes) -> bool:
    """Tell whether an image's header asks for no more pixels than an image has.

    OpenCV allocates whatever a header asks for. What has no header that is known here is left to
    it: it reads no other kind of file whose size it does not check.

    Args:
        content: of the file.
    """
    if content.startswith(PNG):
        return png_is_whole(content)
    try:
        if content.startswith(TIFF):
            width, height = tiff_size(content)
        else:
            with Image.open(io.BytesIO(content)) as header:
                width, height = header.size
    except UnidentifiedImageError:
        return True
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False
    return 0 < width * height <= MOST_PIXELS


def png_is_whole(content: bytes) -> bool:
    """Tell whether every chunk of a PNG ends within the file and its size is one it can have.

    OpenCV believes the lengths: a damaged byte makes it fill gigabytes before it gives up.
    """
    width, height = (int.from_bytes(content[start : start + 4]) for start in (16, 20))
    start = len(PNG)
    while start < len(content):
        length, name = int.from_bytes(content[start : start + 4]), content[start + 4 : start + 8]
        start += length + _CHUNK
        if name == b"IEND":
            break
    return start <= len(content) and 0 < width * height <= MOST_PIXELS


def tiff_size(content: bytes) -> tuple[int, int]:
    """Return width and height as a TIFF's first directory says; nothing is decoded.

    OpenCV reads TIFFs that Pillow does not know, and would allocate whatever they ask for.

    Raises:
        ValueError: there is no such directory.
    """
    order = "<" if content.startswith(b"II") else ">"
    found = {}
    try:
        (start,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", content, place)
            if tag in {_TIFF_WIDTH, _TIFF_HEIGHT}:
                number = "H" if kind == _TIFF_SHORT else "I"
                (found[tag],) = struct.unpack_from(f"{order}{number}", content, place + 8)
        return found[_TIFF_WIDTH], found[_TIFF_HEIGHT]
    except (struct.error, KeyError) as error:
        raise ValueError("it has no header of a TIFF") from error
