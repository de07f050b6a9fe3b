"""Data that is published as Debian packages, fetched and unpacked without root."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from holdfast.data.preparing import only_preparer
from holdfast.errors import DataError, MissingToolError

TIMEOUT_SECONDS = 600


def fetch_debian_package(package: str, folder: Path) -> Path:
    """Download one Debian package with apt and unpack it; nothing is installed, no script runs.

    Args:
        package: its name, for example ``opencv-doc``.
        folder: where unpacked packages are kept; one that is there is not fetched again.

    Returns:
        The folder with the package's files.

    Raises:
        MissingToolError: this is not a Debian system (no ``apt-get`` or ``dpkg-deb``).
        DataError: the package cannot be fetched or unpacked.
    """
    target = folder / package
    if target.is_dir():
        return target
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise MissingToolError(
            f"Fetching the Debian package {package} needs apt-get and dpkg-deb, which this system "
            f"does not have: unpack the package into {target} by hand, or go on without it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # The tools run in the temporary folder, where a path relative to ours leads nowhere.
    folder = folder.resolve()
    with only_preparer(target), tempfile.TemporaryDirectory(dir=folder) as temporary:
        if target.is_dir():  # another process has fetched it meanwhile
            return target
        _run(["apt-get", "download", package], Path(temporary), package)
        archives = list(Path(temporary).glob("*.deb"))
        if len(archives) != 1:
            raise DataError(f"apt-get brought no file for the Debian package {package}.")
        unpacked = Path(temporary) / "unpacked"
        _run(["dpkg-deb", "-x", str(archives[0]), str(unpacked)], Path(temporary), package)
        unpacked.replace(target)
    return target


def _run(words: list[str], folder: Path, package: str) -> None:
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise DataError(
            f"{words[0]} gave no answer about the Debian package {package} in "
            f"{TIMEOUT_SECONDS} s: check the connection and try again."
        ) from late
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise DataError(f"{words[0]} could not bring the Debian package {package} ({lines[-1]}).")
