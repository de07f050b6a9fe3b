"""Pictures of frames, from files or from memory, as RGB uint8."""

from pathlib import Path

import cv2
import numpy as np

from holdfast.data.image_sizes import may_be_decoded
from holdfast.data.jpeg import decode_jpeg, jpeg_size
from holdfast.data.jpeg_regions import decode_region
from holdfast.errors import DataError, ImageError
from vl_track.data.archives import read_through
from vl_track.data.geometry import Window
from vl_track.data.video import crop_frame, crop_part, seen_part
from vl_track.video.frames import Image


def read_image(path: Path) -> Image:
    """Decode a file to RGB uint8 (H, W, 3), turned as its EXIF header asks.

    Raises:
        ImageError: missing, unreadable or damaged.
    """
    return decode_image(read_content(path), str(path))


def crop_image(path: Path, window: Window, size: int) -> Image:
    """Cut a window out of an image file; see :func:`crop_content`."""
    return crop_content(read_content(path), str(path), window, size)


def crop_content(content: bytes, name: str, window: Window, size: int) -> Image:
    """Cut a window out of an image file's content and resize it as :func:`crop_frame` does.

    Only the part inside the window is decoded, where that is possible and worth it.

    Raises:
        ImageError: as :func:`decode_image`.
    """
    shown = jpeg_size(content)
    if shown is not None:
        left, top, right, bottom = seen_part(window, (shown[1], shown[0]))
        part = decode_region(content, left, top, right, bottom)
        if part is not None:
            return crop_part(part, (left, top), window, size)
    return crop_frame(decode_image(content, name), window, size)


def read_content(path: Path) -> bytes:
    """Return the content of an image file, on disk or inside an archive.

    Raises:
        ImageError: missing or unreadable.
    """
    try:
        return read_through(path)
    except FileNotFoundError as error:
        raise ImageError(f"{path} is missing: get this file again.") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}).") from error
    except DataError as error:
        raise ImageError(str(error)) from error


def decode_image(content: bytes, name: str) -> Image:
    """Decode an image's file content as :func:`read_image`.

    Args:
        content: JPEG, PNG or whatever else OpenCV reads.
        name: of the image, for the error.

    Raises:
        ImageError: it is no image, or damaged.
    """
    fast = decode_jpeg(content)
    if fast is not None:
        return fast
    sound = bool(content) and may_be_decoded(content)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if sound else None
    if image is None:
        raise ImageError(f"{name} is damaged: get this file again.")
    return np.ascontiguousarray(image[..., ::-1])
