"""`make check` finds the tests that concern a change, and its lint is the hook's."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from conftest import REPOSITORY

TOOL = REPOSITORY / "tools/check.py"
PACKAGES = REPOSITORY / "packages"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_tool", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("packages/common/src/holdfast/cli/names.py", "holdfast.cli.names"),
        ("packages/common/src/holdfast/cli/__init__.py", "holdfast.cli"),
        ("tests/tests_support.py", "tests_support"),
        ("tests/conftest.py", None),
        ("README.md", None),
    ],
)
def test_modules(check: ModuleType, path: str, name: str | None) -> None:
    assert check.module_of(REPOSITORY / path) == name


def test_a_change_names_its_tests(check: ModuleType) -> None:
    chosen = check.tests_of([PACKAGES / "common/src/holdfast/cli/composing.py"])
    assert "tests/common/test_composition.py" in chosen
    assert "tests/vl_track/test_sets.py" not in chosen
    own = REPOSITORY / "tests/vl_track/test_sets.py"
    assert str(own.relative_to(REPOSITORY)) in check.tests_of([own])
    assert set(check.tests_of([])) == set(check.ALWAYS)


def test_modules_that_are_named_in_strings_count(check: ModuleType, tmp_path: Path) -> None:
    test = tmp_path / "test_x.py"
    test.write_text('def test() -> None:\n    patch("holdfast.cli.names.load_yaml")\n')
    assert "holdfast.cli.names.load_yaml" in check.imported(test)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\n", "F401"),
        ("x = {  'a' : 1 }\n", "format"),
        ("def f() -> None:\n" + "    print()\n" * 90, "90 lines|91 lines"),
    ],
)
def test_the_lint_fails_on_what_it_should(text: str, said: str, tmp_path: Path) -> None:
    import re

    bad = tmp_path / "bad.py"
    bad.write_text(text)
    done = subprocess.run(
        [sys.executable, str(TOOL), "--lint", str(bad)], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert re.search(said, done.stdout)


def test_the_hook_runs_the_same_lint() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    (hook,) = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert hook["entry"].endswith("tools/check.py --lint")
    assert {repo["repo"] for repo in config["repos"]} == {"local"}, "nothing is downloaded"


def test_collection_imports_nothing_heavy_by_itself() -> None:
    """conftest.py is imported by every worker of every run."""
    code = (
        "import sys; sys.path[:0] = ['tests', '.']; import conftest; "
        "print([name for name in ('torch', 'pytorch_lightning', 'timm') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
