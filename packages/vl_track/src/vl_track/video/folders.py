"""Folders of images as video."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from holdfast.data.image_sizes import may_be_decoded
from holdfast.errors import DataError
from vl_track.video.frames import DEFAULT_RATE, Frame, Image
from vl_track.video.source import Source

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True, kw_only=True)
class Folder(Source):
    """Images in the order of the numbers in their names.

    Attributes:
        paths: of the images.
        bits: significant bits of images with 16 bits a channel.
    """

    paths: tuple[Path, ...]
    bits: int = 16

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield images; one that cannot be read is a frame without image."""
        for number, path in enumerate(self.paths):
            time = number / self.rate
            if time >= start:
                yield Frame(number, time, _read(path, self.bits))


def open_folder(folder: Path) -> Folder:
    """List a folder's images.

    Hidden files are left out; macOS writes ``._NAME.jpg`` beside ``NAME.jpg``, which is no image.

    Raises:
        DataError: there are none.
    """
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    ]
    if not found:
        raise DataError(f"{folder} holds no images ({', '.join(sorted(ENDINGS))}).")
    paths = tuple(sorted(found, key=lambda path: natural_key(path.name)))
    bits = significant_bits(paths)
    remarks = () if bits in {8, 16} else (
        f"the images of {folder.name} have 16 bits a channel, of which {bits} are used: they are "
        f"read as {bits}-bit images",
    )  # fmt: skip
    return Folder(
        name=folder.name, rate=DEFAULT_RATE, count=len(paths), paths=paths, bits=bits,
        time_base=1 / Fraction(DEFAULT_RATE), remarks=remarks,
    )  # fmt: skip


def significant_bits(paths: tuple[Path, ...]) -> int:
    """Return how many bits of a channel are used: 8, or 10 to 16 for 16-bit images.

    Cameras store 10 or 12 bits in 16-bit PNG and TIFF files. Read as 16 bits they are black. The
    first and the middle image decide for the folder.
    """
    largest = 0
    for path in {paths[0], paths[len(paths) // 2]}:
        image = _decode(path)
        if image is not None:
            if image.dtype != np.uint16:
                return 8
            largest = max(largest, int(image.max()))
    return next(bits for bits in (10, 12, 14, 16) if largest < 2**bits)


def _read(path: Path, bits: int) -> Image | None:
    image = _decode(path)
    if image is None:
        return None
    if image.dtype == np.uint16:
        image = np.minimum(image >> (bits - 8), 255)
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def _decode(path: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]] | None":
    """Return BGR with 8 or 16 bits a channel, turned as EXIF asks; ``None`` for what is neither."""
    try:
        content = path.read_bytes()
        if not content or not may_be_decoded(content):
            return None
        read = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
        image = cv2.imdecode(np.frombuffer(content, np.uint8), read)
    except (PermissionError, FileNotFoundError, cv2.error):
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the disk.") from error
    if image is None or image.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return None
    return image  # type: ignore[no-any-return]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
