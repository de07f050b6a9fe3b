"""Debian packages as data: fetched without root, unpacked whole or not at all."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from holdfast.data import debian_packages
from holdfast.data.debian_packages import fetch_debian_package
from holdfast.errors import DataError, MissingToolError

APT = """#!/bin/sh
echo "$@" >> {log}
[ -n "{error}" ] && echo "E: {error}" >&2 && exit 100
: > {name}_1_all.deb
"""
DPKG = """#!/bin/sh
[ -n "{error}" ] && echo "dpkg-deb: {error}" >&2 && exit 2
mkdir -p "$3/usr/share" && echo data > "$3/usr/share/file"
"""


def tool(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for apt-get and dpkg-deb that do their work without a network."""
    folder = tmp_path / "bin"
    folder.mkdir()
    tool(folder, "apt-get", APT.format(log=tmp_path / "log", error="", name="pictures"))
    tool(folder, "dpkg-deb", DPKG.format(error=""))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def kept(folder: Path) -> list[str]:
    """Names of what is in a folder, besides its locks, which stay."""
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]


def test_a_package_is_fetched_once_and_unpacked(tools: Path, tmp_path: Path) -> None:
    for _ in range(2):
        found = fetch_debian_package("pictures", tmp_path / "packages")
        assert (found / "usr/share/file").read_text() == "data\n"
    assert (tmp_path / "log").read_text() == "download pictures\n"
    assert kept(tmp_path / "packages") == ["pictures"]


def test_the_folder_may_be_relative(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tools run in a folder of their own: the default data root is relative."""
    real = 'mkdir -p "$3/usr/share" && [ -f "$2" ] && echo data > "$3/usr/share/file"\n'
    tool(tools, "dpkg-deb", "#!/bin/sh\n" + real)
    monkeypatch.chdir(tmp_path)
    found = fetch_debian_package("pictures", Path("data/packages"))
    assert (found / "usr/share/file").read_text() == "data\n"


def test_a_package_that_is_not_there_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    error = "Unable to locate package pictures"
    tool(tools, "apt-get", APT.format(log=tmp_path / "log", error=error, name=""))
    with pytest.raises(DataError, match=r"apt-get could not bring .* Unable to locate"):
        fetch_debian_package("pictures", tmp_path / "packages")
    assert kept(tmp_path / "packages") == []


def test_a_damaged_package_leaves_nothing(tools: Path, tmp_path: Path) -> None:
    tool(tools, "dpkg-deb", DPKG.format(error="not a Debian format archive"))
    with pytest.raises(DataError, match="not a Debian format archive"):
        fetch_debian_package("pictures", tmp_path / "packages")
    assert kept(tmp_path / "packages") == []


def test_an_apt_that_brings_nothing_is_told(tools: Path, tmp_path: Path) -> None:
    tool(tools, "apt-get", "#!/bin/sh\nexit 0\n")
    with pytest.raises(DataError, match="brought no file"):
        fetch_debian_package("pictures", tmp_path / "packages")


def test_an_apt_without_an_answer_is_told(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(words: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(words, 1)

    monkeypatch.setattr(debian_packages.subprocess, "run", late)
    with pytest.raises(DataError, match="gave no answer"):
        fetch_debian_package("pictures", tmp_path / "packages")


def test_other_systems_are_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="by hand, or go on without it"):
        fetch_debian_package("pictures", tmp_path / "packages")
