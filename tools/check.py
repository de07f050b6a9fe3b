"""The developers' quick check: lint of what changed, and the quick tests that concern it.

Usage: python tools/check.py [--lint] [FILE...]. Without files: those that differ from the branch
``main`` (from the commit before, on ``main`` itself), committed or not. The tests are those of
changed test files and of test files that import a changed module; what failed last time is run
first. ``--lint`` runs no tests: it is what the pre-commit hook does.
"""

import argparse
import ast
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "packages" / name / "src" for name in ("common", "dropout_ft", "vl_track")]
FAILED = ROOT / ".pytest_cache/v/cache/lastfailed"
QUICK = ["-m", "not slow and not nightly"]
WORKERS = "2"
# Where a change concerns everything, or nothing that is imported, these stand for the rest.
ALWAYS = ["tests/common/test_names.py", "tests/common/test_parser.py", "tests/test_repository.py"]
NO_TESTS = 5
"""pytest's status when nothing was selected."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--lint", action="store_true", help="run no tests")
    words = parser.parse_args()
    start = time.monotonic()
    files = [path.resolve() for path in words.files] or changed()
    files = [path for path in files if path.is_file()]
    status = lint(files)
    if not status and not words.lint:
        status = test(files)
    print(f"{'failed' if status else 'fine'}, {time.monotonic() - start:.0f} s")
    return status


def git(*words: str) -> str:
    """Return what git prints, or nothing where it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed() -> list[Path]:
    """Return the files that differ from ``main``, and those that git does not know yet."""
    base = git("merge-base", "HEAD", "main")
    if not base or base == git("rev-parse", "HEAD"):
        base = git("rev-parse", "HEAD~1") or "HEAD"
    names = (
        f"{git('diff', '--name-only', base)}\n{git('ls-files', '--others', '--exclude-standard')}"
    )
    return [ROOT / name for name in sorted(set(names.split("\n"))) if name]


def lint(files: list[Path]) -> int:
    """Run ruff, the house rules and the checks of layers and documents on what changed."""
    python = [str(path) for path in files if path.suffix == ".py"]
    commands: list[list[str]] = []
    if python:
        tool = [sys.executable, "-m", "ruff"]
        commands += [[*tool, "check", "--quiet", *python], [*tool, "format", "--check", *python]]
        commands += [[sys.executable, "tools/house_rules.py", *python]]
    if any("packages" in path.parts and path.suffix == ".py" for path in files):
        commands.append([str(Path(sys.executable).with_name("lint-imports"))])
    if any(path.suffix == ".md" for path in files):
        commands.append([sys.executable, "tools/check_docs.py"])
    return max([quietly(command) for command in commands], default=0)


def quietly(command: list[str]) -> int:
    """Run a command and show what it says only if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", end="")
    return done.returncode


def test(files: list[Path]) -> int:
    """Run what failed last time, then the tests that concern the files."""
    pytest = [sys.executable, "-m", "pytest", "-n", WORKERS, *QUICK]
    if FAILED.is_file() and FAILED.read_text().strip() not in {"", "{}"}:
        status = subprocess.run([*pytest, "--lf"], cwd=ROOT, check=False).returncode
        if status not in {0, NO_TESTS}:
            return status
    chosen = tests_of(files)
    print(f"{len(chosen)} test files: {' '.join(Path(one).stem for one in chosen)}")
    status = subprocess.run([*pytest, *chosen], cwd=ROOT, check=False).returncode
    return 0 if status == NO_TESTS else status


def tests_of(files: list[Path]) -> list[str]:
    """Return the test files that changed, or that import a module that did."""
    modules = {name for path in files if (name := module_of(path)) is not None}
    found = set(ALWAYS)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path in files or modules & imported(path):
            found.add(str(path.relative_to(ROOT)))
    return sorted(found)


def module_of(path: Path) -> str | None:
    """Return a file's name as a module of ours; None for others."""
    if path.suffix != ".py":
        return None
    if path.is_relative_to(ROOT / "tests"):
        return None if path.name == "conftest.py" else path.stem
    for root in SOURCES:
        if path.is_relative_to(root):
            return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    return None


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, and those that it names in strings."""
    text = path.read_text()
    return set(_imports(ast.walk(ast.parse(text)))) | set(re.findall(r"[\"'](\w+(?:\.\w+)+)", text))


def _imports(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


if __name__ == "__main__":
    sys.exit(main())
