"""Promises of the repository itself: pins, names, targets, CI."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from conftest import REPOSITORY

PACKAGES = ("common", "dropout_ft", "vl_track")
LINE = re.compile(r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+$")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def project(package: str) -> dict[str, object]:
    text = (REPOSITORY / "packages" / package / "pyproject.toml").read_text()
    found: dict[str, object] = tomllib.loads(text)["project"]
    return found


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [REPOSITORY / line for line in done.stdout.splitlines()]


def test_constraints_are_plain_pins() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    assert lines
    assert all(LINE.match(line) for line in lines)
    assert len({normal(line) for line in lines}) == len(lines)


def test_every_dependency_has_a_lower_bound_and_a_pin() -> None:
    pins = {normal(line) for line in (REPOSITORY / "constraints.txt").read_text().splitlines()}
    for package in PACKAGES:
        for dependency in project(package)["dependencies"]:  # type: ignore[attr-defined]
            if dependency == "holdfast-common":
                continue
            assert ">=" in dependency, dependency
            assert normal(dependency) in pins, dependency
    for line in (REPOSITORY / "requirements-dev.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            assert normal(line) in pins, line


def test_every_pin_installs_on_every_python_that_the_documents_promise() -> None:
    """`make setup` ended in pip's "ResolutionImpossible" on Debian's Python 3.11.2: one pin wanted
    3.11.5."""
    text = (REPOSITORY / "docs/install.md").read_text()
    assert "Python 3.11 or newer" in text
    pins = dict(
        line.split("==") for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
    )
    for name, pin in pins.items():
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform, or of an extra that is not installed
        needs = found.metadata.get("Requires-Python")
        if found.version == pin and needs is not None:
            assert SpecifierSet(needs).contains("3.11.0"), f"{name} {pin} wants Python {needs}"


def test_every_lower_bound_has_its_reason() -> None:
    for package in PACKAGES:
        text = (REPOSITORY / "packages" / package / "pyproject.toml").read_text()
        for line in text.splitlines():
            if re.match(r'^  "[\w\[\]-]+[<>=]', line):
                assert "#" in line, line


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_described(package: str) -> None:
    assert (REPOSITORY / "packages" / package / "README.md").is_file()
    assert project(package)["requires-python"] == ">=3.11"


def test_no_file_names_a_package_host() -> None:
    hosts = re.compile(
        r"pypi\.(org|python)|pythonhosted|registry\.npmjs|download\.pytorch|deb\.debian"
    )
    for path in tracked():
        if path.suffix in {".csv", ".json"} or path == Path(__file__) or not path.is_file():
            continue
        assert not hosts.search(path.read_text(errors="ignore")), path


def test_no_path_tricks_and_no_authors_paths() -> None:
    for path in (REPOSITORY / "packages").rglob("*.py"):
        text = path.read_text()
        assert "sys.path" not in text, path
        assert not re.search(r"[\"'](/home/|/root/|/Users/|/work/)", text), path


def test_make_help_explains_every_target() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    makefile = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for target in phony.group(1).split():
        assert re.search(rf"^  {target} +\S", done.stdout, re.MULTILINE), target


def test_make_docs_takes_a_python_that_is_there_and_installs_nothing(tmp_path: Path) -> None:
    """In a second checkout (git worktree) `make commands` began to install 9 GB."""
    make = ["make", "--no-print-directory", f"VENV={tmp_path}/venv"]
    done = subprocess.run(
        [*make, "-n", "commands", "docs", "lint", f"PYTHON={sys.executable}"], cwd=REPOSITORY,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "-m venv" not in done.stdout
    found = re.findall(r"^PYTHONPATH=\"(\S*)\" (\S+) tools/command_pages.py$", done.stdout, re.M)
    assert found == [(found[0][0], sys.executable)]
    for package in ("common", "dropout_ft", "vl_track"):
        assert str(REPOSITORY / "packages" / package / "src") in found[0][0].split("$")[0]
    done = subprocess.run(
        [*make, "docs", f"PYTHON={sys.executable}"], cwd=REPOSITORY, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for nothing in (f"{tmp_path}/python", "false"):
        done = subprocess.run(
            [*make, "commands", f"PYTHON={nothing}"], cwd=REPOSITORY, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "run `make setup`, or give one, make commands PYTHON=" in done.stderr
    assert not list(tmp_path.iterdir())


def test_ci_installs_from_scratch_and_runs_the_readmes_test_command() -> None:
    script = (REPOSITORY / ".ci/run").read_text()
    assert script.index("make setup") < script.index("make lint") < script.index("make test")
    assert "make test" in (REPOSITORY / "README.md").read_text()


def test_a_link_to_a_heading_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """Only files were looked for, so that links to headings broke in silence."""
    sys.path.insert(0, str(REPOSITORY / "tools"))
    try:
        from check_docs import missing
    finally:
        sys.path.pop(0)
    (tmp_path / "other.md").write_text("# One `tool`: two\n\n```\n# no heading\n```\n")
    document = tmp_path / "page.md"
    document.write_text(
        "# Here\n[a](#here) [b](other.md#one-tool-two) [c](other.md#no-heading) "
        "[d](#gone) [e](x.md)"
    )
    problems = [one.split(": ", 1)[1] for one in missing(document)]
    assert [one.rsplit("/", 1)[-1] for one in problems] == [
        "other.md has no heading #no-heading", "page.md has no heading #gone", "x.md"
    ]  # fmt: skip


def test_documents_and_house_rules() -> None:
    for tool in ("check_docs", "house_rules"):
        done = subprocess.run(
            ["python3", f"tools/{tool}.py"], cwd=REPOSITORY, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
