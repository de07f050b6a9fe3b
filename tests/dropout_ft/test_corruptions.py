"""Corruptions: each against its definition, growing with severity, and the command."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dropout_ft.data.corruptions import KINDS, SEVERITIES, corrupt, disk
from dropout_ft.results.run import load_run

Run = Callable[[list[str]], int]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """Smooth colours with edges, 64 pixels."""
    line = np.linspace(40, 200, 64)
    found = np.stack([np.tile(line, (64, 1)), np.tile(line[:, None], (1, 64)),
                      np.full((64, 64), 90.0)], axis=-1)  # fmt: skip
    found[20:40, 20:40] = (200, 60, 30)
    return found.astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_repeatable_and_grows(image: np.ndarray, kind: str) -> None:
    """Saturate goes below and then above the picture's own, so it grows from 1 to 2 and 3 to 5."""
    errors = []
    for severity in SEVERITIES:
        found = corrupt(image, kind, severity, seed=3)
        assert found.shape == image.shape
        assert found.dtype == np.uint8
        assert np.array_equal(found, corrupt(image, kind, severity, seed=3))
        errors.append(float(np.abs(found.astype(float) - image).mean()))
    rising = [errors[:2], errors[2:]] if kind == "saturate" else [errors]
    assert all(0 < one[0] < one[-1] for one in rising)


def test_noise_has_the_published_size() -> None:
    """Mid grey, 200 x 200: deviations of 0.08; of the square root of x / 60; 3 % replaced."""
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    x = 128 / 255
    assert np.std(corrupt(grey, "gaussian_noise", 1) / 255) == pytest.approx(0.08, rel=0.02)
    assert np.std(corrupt(grey, "shot_noise", 1) / 255) == pytest.approx((x / 60) ** 0.5, rel=0.02)
    assert np.std(corrupt(grey, "speckle_noise", 1) / 255) == pytest.approx(0.15 * x, rel=0.02)
    hit = corrupt(grey, "impulse_noise", 1)
    assert np.mean(hit != 128) == pytest.approx(0.03, rel=0.1)
    assert set(np.unique(hit)) == {0, 128, 255}


def test_contrast_brightness_and_pixels_by_hand() -> None:
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    image[:, 20:] = 200
    low = corrupt(image, "contrast", 1).astype(float)
    assert np.allclose(low[:, :20], 60, atol=1)  # 100 - 0.4 * 100
    assert np.allclose(low[:, 20:], 140, atol=1)
    bright = corrupt(np.full((32, 32, 3), 51, dtype=np.uint8), "brightness", 2)
    assert np.allclose(bright, 102, atol=1)  # a grey's value is its level: 0.2 + 0.2
    ramp = np.tile(np.arange(40, dtype=np.uint8)[None, :, None] * 6, (40, 1, 3))
    assert len(np.unique(corrupt(ramp, "pixelate", 5)[0, :, 0])) == 10


def test_the_disk_is_round_and_sums_to_one() -> None:
    for radius, alias in ((3, 0.1), (10, 0.5)):
        kernel = disk(radius, alias)
        assert kernel.sum() == pytest.approx(1, abs=1e-6 if radius <= 8 else 0.02)
        assert np.allclose(kernel, kernel.T)
        middle = len(kernel) // 2
        area = (kernel > kernel[middle, middle] / 2).sum()
        assert area == pytest.approx(np.pi * radius**2, rel=0.1)


def test_the_command_writes_kind_and_severity(
    tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Severity 0 is the run's own o.o.d. accuracy at the selected step."""
    for rate in ("0", "0.5"):
        words = tiny_arguments("fit", "--data.test_domains", "[a]", "--model.dropout_rate", rate)
        assert dropout_ft(words) == 0
    out = tmp_path / "corruptions.csv"
    words = ["corruptions", str(tmp_path / "runs"), "--out", str(out), "--kinds", "contrast",
             "gaussian_noise", "--severities", "1", "5"]  # fmt: skip
    assert dropout_ft(words) == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * (1 + 2 * 2)
    runs = {f"{load_run(path).coordinates.dropout_rate:g}": load_run(path)
            for path in sorted((tmp_path / "runs").iterdir()) if path.is_dir()}  # fmt: skip
    for rate, name in (("0", "ERM"), ("0.5", "dropout 0.5")):
        (clean,) = [
            r for r in rows if (r["name"], r["part"], r["kind"]) == (name, "o.o.d.", "none")
        ]
        own = [100 * row["ood"] for row in runs[rate].along("current")]
        assert any(float(clean["accuracy"]) == pytest.approx(one) for one in own)
    capsys.readouterr()
    assert dropout_ft([*words[:4], "--kinds", "contrats"]) == 1
    assert "contrast" in capsys.readouterr().err
    assert dropout_ft([*words[:4], "--severities", "6"]) == 1
    assert "from 1 to 5" in capsys.readouterr().err
