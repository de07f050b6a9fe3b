"""Pictures of frames, from files or from memory, as RGB uint8."""

from pathlib import Path

import cv2
import numpy as np

from holdfast.data.jpeg import decode_jpeg
from holdfast.errors import ImageError
from vl_track.data.video import Picture


def read_picture(path: Path) -> Picture:
    """Decode a file to RGB uint8 (H, W, 3), turned as its EXIF header asks.

    Raises:
        ImageError: missing, unreadable or damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path} is missing: get this file again.") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}).") from error
    return decode_picture(content, str(path))


def decode_picture(content: bytes, name: str) -> Picture:
    """Decode a picture's file content as :func:`read_picture`.

    Args:
        content: JPEG, PNG or whatever else OpenCV reads.
        name: of the picture, for the error.

    Raises:
        ImageError: it is no picture, or damaged.
    """
    fast = decode_jpeg(content)
    if fast is not None:
        return fast
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        raise ImageError(f"{name} is damaged: get this file again.")
    return np.ascontiguousarray(picture[..., ::-1])
