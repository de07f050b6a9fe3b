"""Packages as data: fetched once, checked, read without unpacking."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from emoji_support import pack
from holdfast.data import npm_packages
from holdfast.data.npm_packages import fetch_npm_package, read_json_member
from holdfast.errors import DataError


class FakeNpm:
    """Answers ``npm pack`` with a tarball of its own, or with an error."""

    def __init__(self, source: Path | None, status: int = 0, error: str = "") -> None:
        self.source = source
        self.status = status
        self.error = error
        self.calls: list[list[str]] = []

    def __call__(self, words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        self.calls.append(words)
        if self.source is not None:
            (folder / "it.tgz").write_bytes(self.source.read_bytes())
        return subprocess.CompletedProcess(words, self.status, "", self.error)


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    return pack(tmp_path, "source.tgz", {"icons.json": {"icons": {"a": 1}}})


def use(monkeypatch: pytest.MonkeyPatch, npm: FakeNpm) -> FakeNpm:
    monkeypatch.setattr(npm_packages, "find_npm", lambda: npm)
    return npm


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_fetches_once_and_runs_no_script(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = use(monkeypatch, FakeNpm(tarball))
    for _ in range(2):
        found = fetch_npm_package("@scope/name", "1.2.3", digest(tarball), tmp_path / "cache")
    assert found.name == "scope-name-1.2.3.tgz"
    assert read_json_member(found, "icons.json") == {"icons": {"a": 1}}
    assert len(npm.calls) == 1
    assert npm.calls[0] == ["pack", "--silent", "--ignore-scripts", "@scope/name@1.2.3"]
    assert list((tmp_path / "cache").iterdir()) == [found], "no litter"


def test_a_damaged_cached_package_is_fetched_again(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = use(monkeypatch, FakeNpm(tarball))
    found = fetch_npm_package("name", "1.0.0", digest(tarball), tmp_path / "cache")
    found.write_bytes(b"cut")
    fetch_npm_package("name", "1.0.0", digest(tarball), tmp_path / "cache")
    assert digest(found) == digest(tarball)
    assert len(npm.calls) == 2


def test_a_changed_package_is_refused_and_not_kept(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, FakeNpm(tarball))
    with pytest.raises(DataError, match="expected checksum"):
        fetch_npm_package("name", "1.0.0", "0" * 64, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("error", ["", "npm warn x\nnpm error 404 not found"])
def test_failures_show_npms_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    use(monkeypatch, FakeNpm(None, status=1, error=error))
    expected = "404 not found" if error else "no answer"
    with pytest.raises(DataError, match=expected):
        fetch_npm_package("name", "1.0.0", "0" * 64, tmp_path / "cache")


def test_the_tarball_may_be_put_there_by_hand(
    tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = use(monkeypatch, FakeNpm(None, status=1))
    place = tmp_path / "cache"
    place.mkdir()
    (place / "name-1.0.0.tgz").write_bytes(tarball.read_bytes())
    assert fetch_npm_package("name", "1.0.0", digest(tarball), place).is_file()
    assert npm.calls == []
