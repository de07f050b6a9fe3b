"""Extras that documents and messages name exist, and lower bounds have their reasons."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conftest import REPOSITORY

PROJECTS = {
    path: tomllib.loads(path.read_text())["project"]
    for path in sorted((REPOSITORY / "packages").glob("*/pyproject.toml"))
}
EXTRAS = {p["name"]: set(p["optional-dependencies"]) for p in PROJECTS.values()}
NAMED = re.compile(r"(holdfast-[\w-]+)\[([\w-]+)\]")
# What docs/hard_use.md promises rests on these.
SAFE = {"torch": "2.10", "starlette": "0.49.1", "h11": "0.16", "pillow": "12.2"}


def texts() -> list[Path]:
    folders = ("docs", "configs", "packages")
    found = [path for folder in folders for path in (REPOSITORY / folder).rglob("*")]
    return [path for path in found if path.suffix in {".md", ".yaml", ".py", ".toml"}]


def test_every_extra_that_is_named_exists() -> None:
    named = {(path.name, *match) for path in texts() for match in NAMED.findall(path.read_text())}
    assert named
    for file, package, extra in named:
        assert extra in EXTRAS[package], f"{file} names {package}[{extra}]"


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_bounds_keep_what_the_documents_promise(path: Path) -> None:
    """C8. Were: bounds that allowed versions with known holes."""
    project = PROJECTS[path]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(one) for every in lists for one in every):
        least = SAFE.get(requirement.name)
        if least is not None:
            before = f"{int(least.split('.')[0])}.{int(least.split('.')[1]) - 1}.99"
            assert least in requirement.specifier
            assert before not in requirement.specifier


def test_pins_are_within_the_bounds() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines)
    for project in PROJECTS.values():
        for requirement in map(Requirement, project["dependencies"]):
            if not requirement.name.startswith("holdfast"):
                name = requirement.name.lower().replace("_", "-")
                assert pins[name] in requirement.specifier, name
