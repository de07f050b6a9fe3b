"""Decoding only a region of a JPEG: the same pixels, in a part of the time.

Needs nvImageCodec (``pip install holdfast-vl-track[regions]``), whose libjpeg-turbo part runs on
any CPU; no GPU is used. Where it is missing, callers decode the whole picture.
"""

import importlib
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.data.jpeg import jpeg_size
from holdfast.optional import find_package

LIBRARY = "nvidia.nvimgcodec"
CODECS = "NVIMGCODEC_EXTENSIONS_PATH"
LARGEST = 0.7
"""Share of a picture beyond which decoding all of it is as fast."""
NARROWEST = 16
"""libjpeg-turbo interpolates colours otherwise in fewer than three columns of them."""

_LOADING, _HERE = threading.Lock(), threading.local()


def decode_region(
    content: bytes, left: int, top: int, right: int, bottom: int
) -> NDArray[np.uint8] | None:
    """Decode a region of a plain colour JPEG to RGB uint8 (bottom - top, right - left, 3).

    Rows above and columns beside it are read but not transformed, rows below not even read: a
    region of 256 pixels of a 1280 x 720 picture takes a third of the whole picture's time.

    Args:
        content: of the file.
        left: first column.
        top: first row.
        right: one past the last column.
        bottom: one past the last row.

    Returns:
        The pixels that :func:`holdfast.data.jpeg.decode_jpeg` would have there, to the bit; or
        None where the whole picture is better decoded: no library, a picture for another decoder,
        a region that leaves it, is narrow or is most of it, damage.
    """
    size = jpeg_size(content)
    library, decoder = _decoder()
    if decoder is None or size is None:
        return None
    height, width = size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        return None
    share = (right - left) * (bottom - top) / (width * height)
    if right - left < NARROWEST or share > LARGEST:
        return None
    region = library.Region([top, left], [bottom, right])
    stream = library.CodeStream(content).get_sub_code_stream(image_idx=0, region=region)
    decoded = decoder.decode(stream)
    pixels = None if decoded is None else np.asarray(decoded.cpu())
    return pixels if pixels is not None and pixels.shape[2:] == (3,) else None


def _decoder() -> tuple[Any, Any]:
    """Return library and this thread's decoder (one for two threads crashes); None without it."""
    with _LOADING:
        library = _library()
    if library is not None and not hasattr(_HERE, "decoder"):
        _HERE.decoder = _new(library)
    return library, getattr(_HERE, "decoder", None)


@cache
def _library() -> Any:  # noqa: ANN401  (a module that may be missing)
    found = find_package(LIBRARY)
    if found is None or not found.submodule_search_locations:
        return None
    extensions = Path(found.submodule_search_locations[0]) / "extensions"
    # The library complains aloud about each codec whose GPU library it misses: it gets one codec
    # only. And a damaged picture is ours to report.
    os.environ.setdefault("PYNVIMGCODEC_VERBOSITY", "0")
    with tempfile.TemporaryDirectory() as folder:
        for path in extensions.glob("libjpeg_turbo_ext*"):
            (Path(folder) / path.name).symlink_to(path)
        try:
            with _only_codecs_of(folder):
                library = importlib.import_module(LIBRARY)
                _new(library)  # loads the codecs
        except (ImportError, RuntimeError) as error:
            warnings.warn(
                f"{LIBRARY} is installed and does not start ({error}): frames are decoded whole, "
                "which is slower; reinstall or remove it.",
                stacklevel=2,
            )
            return None
    return library


@contextmanager
def _only_codecs_of(folder: str) -> Iterator[None]:
    before = os.environ.get(CODECS)
    os.environ[CODECS] = folder
    try:
        yield
    finally:
        os.environ.pop(CODECS)
        if before is not None:
            os.environ[CODECS] = before


def _new(library: Any) -> Any:  # noqa: ANN401
    return library.Decoder(
        device_id=library.NVIMGCODEC_DEVICE_CPU_ONLY,
        max_num_cpu_threads=1,
        backends=[library.Backend(library.CPU_ONLY)],
    )
