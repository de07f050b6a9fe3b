"""Reading one image as 8-bit RGB, whatever it was saved as."""

import io
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from holdfast.data.image_sizes import PNG, TIFF, tiff_size
from holdfast.data.jpeg import HEADER, MOST_PIXELS, decode_jpeg
from holdfast.errors import ImageError

EXTENSIONS = frozenset(
    {
        ".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp",
        ".gif", ".avif",
    }
)  # fmt: skip
"""Those of torchvision's ``ImageFolder`` (and so DomainBed), and the first frame of two others."""
UNREAD_EXTENSIONS = frozenset(
    {
        ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".dng", ".cr2", ".cr3", ".nef",
        ".arw", ".exr", ".hdr", ".ico", ".tga", ".dcm", ".npy", ".raw",
    }
)  # fmt: skip
"""Images that are not read here; ``verify`` names them."""
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "DIB", "TIFF", "WEBP", "GIF", "AVIF")
"""What is decoded, whatever a file's name says: not EPS, which runs a program, nor rarer kinds."""
ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 258
_BIT_DEPTHS = (10, 12, 14, 16)


Pixels = NDArray[np.uint8]
Picture = Image.Image | Pixels
"""RGB as whoever decodes it makes it: an image of Pillow's, or uint8 (H, W, 3)."""


def as_image(picture: Picture) -> Image.Image:
    """Return a picture as Pillow's."""
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def read_rgb(path: str | Path, *, exif_rotation: bool = False) -> Image.Image:
    """Decode an image to RGB, 8 bits a channel.

    Transparent pixels are shown on white (a plain conversion would reveal whatever colour they
    hide). More than 8 bits are scaled, not clipped, by the smallest of 8, 10, 12, 14 and 16 bits
    that holds the image's largest value, because cameras write 12 bits into files of 16; floats
    up to 1 are scaled from [0, 1]. Of an animation the first frame is read.

    Args:
        path: of the file.
        exif_rotation: turn the image as its EXIF header says. DomainBed (torchvision's
            ``ImageFolder``) does not, so images of phones lie on their side there.

    Raises:
        ImageError: missing, no file, cut short, too large, or not an image; names the file.
    """
    return as_image(read_picture(path, exif_rotation=exif_rotation))


def read_picture(path: str | Path, *, exif_rotation: bool = False) -> Picture:
    """Decode an image as :func:`read_rgb`, and leave it as its decoder made it.

    Raises:
        ImageError: as there.
    """
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            raise ImageError(f"{path} is no file (but a pipe, device or folder): remove it.")
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no picture at {path}: check the path.") from error
    except OSError as error:
        raise ImageError(
            f"The picture {path} cannot be read ({error}): replace or remove the file."
        ) from error
    return decode_picture(content, str(path), exif_rotation=exif_rotation)


def decode_picture(content: bytes, name: str, *, exif_rotation: bool = False) -> Picture:
    """Decode an image file's content as :func:`read_picture`.

    Args:
        content: of the file.
        name: of the image, for the error.
        exif_rotation: turn the image as its EXIF header says.

    Raises:
        ImageError: cut short, too large, or not an image.
    """
    fast = decode_jpeg(content)  # None where there is an EXIF header
    if fast is not None:
        return fast
    try:
        if _is_deep_colour(content):
            return _decode_deep(content, name)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            check_size(image.size, name)
            if image.format == "TIFF" and _has_deep_channels(image):
                return _decode_deep(content, name)
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image) if exif_rotation else image)
    except UnidentifiedImageError as error:
        if content.startswith(TIFF):
            return _decode_deep(content, name)
        raise _unreadable(name, error) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _unreadable(name, error) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"The picture {name} is too large ({error}): shrink it first.") from error


def check_size(size: tuple[int, int], name: str, most: int = MOST_PIXELS) -> None:
    """Refuse an image before its pixels are decoded.

    Args:
        size: width and height in pixels.
        name: of the image, for the error.
        most: pixels.

    Raises:
        ImageError: it has more.
    """
    if size[0] * size[1] > most:
        raise ImageError(
            f"The picture {name} has {size[0]} x {size[1]} pixels, and {most / 1e6:.0f} million "
            "are allowed: shrink it first."
        )


def is_rotated(path: Path) -> bool:
    """Tell whether an image's EXIF header asks for a rotation; False if it cannot be read.

    TIFFs are not meant: Pillow turns them by itself.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEADER)
        if start.startswith((b"\xff\xd8", *TIFF)) and b"Exif" not in start:
            return False
        with Image.open(path, formats=FORMATS) as image:
            return image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) not in {0, 1}
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale numbers to 0 ... 255 as :func:`read_rgb` says; what is no number becomes 0."""
    if not values.size:
        return values.astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    scaled: NDArray[np.uint8] = np.clip(
        numbers * (255.0 / _top(numbers, whole=values.dtype.kind in "iu")), 0, 255
    ).astype(np.uint8)
    return scaled


def _top(numbers: NDArray[np.float64], *, whole: bool) -> float:
    """Return the value that becomes white."""
    largest = float(numbers.max())
    if not whole and largest <= 1:
        return 1.0
    if largest <= 255:
        return 255.0
    return next((2.0**bits - 1 for bits in _BIT_DEPTHS if largest < 2**bits), largest)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(to_bytes(np.asarray(image))).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _on_white(rgba: Image.Image) -> Image.Image:
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert("RGB")


def _is_deep_colour(content: bytes) -> bool:
    """Tell whether this is a PNG of 16 bits in colour, whose lower bytes Pillow drops."""
    return content.startswith(PNG) and content[24:25] == b"\x10" and content[25:26] in b"\2\4\6"


def _has_deep_channels(image: Image.Image) -> bool:
    """Tell whether a TIFF has several channels of more than 8 bits, of which Pillow drops some."""
    tags: Any = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, ())
    return isinstance(bits, tuple) and len(bits) > 1 and max(bits) > 8


def _decode_deep(content: bytes, name: str) -> Image.Image:
    """Decode colours of more than 8 bits with OpenCV.

    Raises:
        ImageError: OpenCV cannot either.
    """
    import cv2  # noqa: PLC0415  (for few files)

    try:
        if content.startswith(PNG):
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                check_size(image.size, name)
        else:
            check_size(tiff_size(content), name)
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, ValueError) as error:
        raise _unreadable(name, error) from error
    if found is None:
        raise _unreadable(name, "no image that Pillow or OpenCV knows")
    colours = to_bytes(np.asarray(found))
    if colours.ndim == 2:
        return Image.fromarray(colours).convert("RGB")
    if colours.shape[2] == 4:
        return _on_white(Image.fromarray(np.ascontiguousarray(colours[..., [2, 1, 0, 3]])))
    return Image.fromarray(np.ascontiguousarray(colours[..., 2::-1]))


def _unreadable(name: str, reason: object) -> ImageError:
    return ImageError(f"The picture {name} cannot be read ({reason}): replace or remove the file.")
