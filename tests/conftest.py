"""Fixtures shared by every test: small folders of pictures and the command line in-process."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_ft.app import APP

REPOSITORY = Path(__file__).parent.parent
CONFIGS = REPOSITORY / "configs"
COLOURS = {"blue": (40, 60, 200), "green": (40, 200, 60), "red": (220, 50, 40)}

# Before anything imports PyTorch, which most tests and all of collection can do without.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep indexes of data sets out of the user's cache folder."""
    monkeypatch.setenv("HOLDFAST_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def stripes(name: str, size: int) -> np.ndarray:
    """Vertical stripes for red, horizontal for green, none for blue: (size, size, 1) offsets."""
    wave = 60 * np.sign(np.sin(np.arange(size) * np.pi / 4 + 0.1))
    along = {"red": wave[None, :], "green": wave[:, None], "blue": np.zeros((1, 1))}[name]
    offsets: np.ndarray = np.broadcast_to(along, (size, size))[..., None]
    return offsets


def make_pictures(
    root: Path,
    *,
    domains: tuple[str, ...] = ("a", "b", "c"),
    per_class: int = 10,
    size: int = 32,
    seed: int = 0,
) -> Path:
    """Write noisy pictures; stripes and colour tell the class, each domain has a brightness.

    Colour alone would not do: the paper's augmentation turns the hue by up to 108 degrees.
    """
    generator = np.random.default_rng(seed)
    for shift, domain in enumerate(domains):
        for name, colour in COLOURS.items():
            folder = root / domain / name
            folder.mkdir(parents=True)
            for number in range(per_class):
                noise = generator.integers(-30, 30, (size, size, 3))
                drawn = np.array(colour) + noise + 10 * shift + stripes(name, size)
                pixels = np.clip(drawn, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return root


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three domains, three classes, ten pictures each; do not change it."""
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def own_pictures(tmp_path: Path) -> Path:
    """The same, for tests that damage it."""
    return make_pictures(tmp_path / "pictures", per_class=5)


@pytest.fixture
def tiny_arguments(pictures: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Build arguments of a tiny run: ``tiny_arguments("fit", "--key", "value")``."""

    def build(command: str, *extra: str) -> list[str]:
        return [
            command,
            "--config",
            str(CONFIGS / "dropout_ft/tiny.yaml"),
            "--data.source",
            str(pictures),
            "--run.root",
            str(tmp_path / "runs"),
            *extra,
        ]

    return build


@pytest.fixture
def dropout_ft() -> Callable[[list[str]], int]:
    """Run ``dropout-ft`` in this process; returns the exit status."""
    return APP.main
