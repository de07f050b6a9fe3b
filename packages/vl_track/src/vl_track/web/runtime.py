"""ONNX Runtime Web: an npm package of one version, whose checksum is known."""

import tarfile
from pathlib import Path
from typing import NamedTuple

from holdfast.data.npm_packages import fetch_npm_package
from holdfast.data.roots import cache_folder
from holdfast.errors import DataError

PACKAGE, VERSION = "onnxruntime-web", "1.27.0"
SHA256 = "b59c9819434a7519f334f77e8d4bf22b69808d531a57724cabc4bb2c0704c835"
SCRIPT, BINARY = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
"""Its script with the loader inside, and the WebAssembly for CPUs. One thread needs no others."""


class WebRuntime(NamedTuple):
    """ONNX Runtime Web.

    Attributes:
        script: an ES module.
        binary: WebAssembly.
    """

    script: bytes
    binary: bytes


def web_runtime(folder: str | Path | None = None) -> WebRuntime:
    """Return ONNX Runtime Web of the known version; it is fetched once, with npm.

    Args:
        folder: where the package's tarball lies, or is put; by default ``npm`` in the cache.

    Raises:
        MissingToolError: the tarball is not there and there is no npm to fetch it.
        DataError: the registry did not answer, or the tarball is not the one expected.
    """
    place = cache_folder() / "npm" if folder is None else Path(folder).expanduser()
    tarball = fetch_npm_package(PACKAGE, VERSION, SHA256, place.resolve())
    with tarfile.open(tarball) as archive:
        return WebRuntime(_member(archive, SCRIPT), _member(archive, BINARY))


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(f"package/{name}")
    if found is None:
        raise DataError(f"The npm package {PACKAGE} {VERSION} holds no {name}.")
    return found.read()
