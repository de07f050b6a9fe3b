"""pytest in forked copies of one process: each run sees the files as they are now."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY

TOOL = str(REPOSITORY / "tools/warm_pytest.py")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    where = str(tmp_path / "socket")
    with subprocess.Popen(
        [sys.executable, TOOL, "serve", where, "json"], cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as server:
        while not Path(where).exists():
            assert server.poll() is None
            time.sleep(0.02)
        yield where
        server.kill()


def asked(address: str, *words: str) -> int:
    command = [sys.executable, "-S", "-E", TOOL, "run", address, "-q", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *words], check=False, timeout=60).returncode


def test_a_run_reports_what_pytest_would_and_forgets_what_it_imported(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, tests = tmp_path / "code_under_test.py", tmp_path / "test_it.py"
    tests.write_text(
        "import sys\nsys.path.insert(0, '.')\nsys.dont_write_bytecode = True\n"
        "from code_under_test import VALUE\ndef test_it(): assert VALUE == 1\n"
    )
    for value, status in ((1, 0), (2, 1), (1, 0)):
        code.write_text(f"VALUE = {value}\n")
        assert asked(address, str(tests)) == status


def test_a_crash_is_a_failure_and_the_next_run_works(address: str, tmp_path: Path) -> None:
    crash, fine = tmp_path / "test_crash.py", tmp_path / "test_fine.py"
    crash.write_text("import os\ndef test_it(): os.kill(os.getpid(), 9)\n")
    fine.write_text("def test_it(): pass\n")
    assert asked(address, str(crash)) == 70
    assert asked(address, str(fine)) == 0
