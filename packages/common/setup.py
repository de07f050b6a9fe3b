"""Wheels take the recipes of ``configs/`` along; everything else is in pyproject.toml.

``configs/`` at the repository's top is the one source of every recipe. A wheel built from the
repository, and a source archive, get a copy while they are built; none is ever committed.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent


def recipes() -> Path:
    """Return the folder of recipes: of a source archive, or of the repository.

    Raises:
        FileNotFoundError: there is neither; a wheel without recipes must not be built.
    """
    for place in (HERE / "configs", HERE.parents[1] / "configs"):
        if (place / "dropout_ft").is_dir():
            return place
    raise FileNotFoundError("configs/ is missing: build from the repository or a source archive")


def take_along(target: Path) -> None:
    """Replace a folder by a copy of the recipes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(recipes(), target)


class BuildWithRecipes(build_py):
    """Copies the recipes into the package; an editable install reads them in the repository."""

    def run(self) -> None:
        """Build as ever, then copy."""
        super().run()
        if not self.editable_mode:
            take_along(Path(self.build_lib) / "holdfast" / "configs")


class ArchiveWithRecipes(sdist):
    """Copies the recipes beside this file in the source archive."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Make the tree as ever, then copy."""
        super().make_release_tree(base_dir, files)
        take_along(Path(base_dir) / "configs")


setup(cmdclass={"build_py": BuildWithRecipes, "sdist": ArchiveWithRecipes})
