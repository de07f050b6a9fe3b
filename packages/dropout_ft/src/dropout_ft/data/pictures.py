"""Reading one picture as 8-bit RGB, whatever it was saved as."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from holdfast.data.jpeg import decode_jpeg
from holdfast.errors import ImageError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})


def read_rgb(path: str | Path) -> Image.Image:
    """Decode a picture to RGB, 8 bits a channel.

    Transparent pixels are shown on white (a plain conversion would reveal whatever colour they
    hide); 16-bit greys are scaled, not clipped. EXIF rotation is not applied, as in torchvision's
    ``ImageFolder`` and so in DomainBed.

    Raises:
        ImageError: missing, cut short, or not a picture; the message names the file.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no picture at {path}: check the path.") from error
    except OSError as error:
        raise ImageError(
            f"The picture {path} cannot be read ({error}): replace or remove the file."
        ) from error
    return decode_rgb(content, str(path))


def decode_rgb(content: bytes, name: str) -> Image.Image:
    """Decode a picture's file content as :func:`read_rgb`.

    Args:
        content: of the file.
        name: of the picture, for the error.

    Raises:
        ImageError: cut short, or not a picture.
    """
    fast = decode_jpeg(content)
    if fast is not None:
        return Image.fromarray(fast)
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            return _to_rgb(image)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise ImageError(
            f"The picture {name} cannot be read ({error}): replace or remove the file."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"The picture {name} is too large ({error}): shrink it first.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _scale_to_bytes(image).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        return white.convert("RGB")
    return image.convert("RGB")


def _scale_to_bytes(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    top = 65535.0 if values.max() > 255 else 255.0
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))
