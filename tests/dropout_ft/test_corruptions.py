"""Corruptions: each against its definition, growing with severity, and the command."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_ft.data.corruptions import (
    FROST,
    KINDS,
    SEVERITIES,
    corrupt,
    disk,
    kinds_with,
    read_frost,
)
from dropout_ft.data.distortions import along_line, centre_zoomed
from dropout_ft.data.weather import plasma
from dropout_ft.report.corruption_errors import (
    check_reference,
    mean_corruption_errors,
    read_reference,
)
from dropout_ft.report.corruptions import CorruptionRow
from dropout_ft.results.run import load_run
from holdfast.errors import ConfigError, DataError

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
    """Some change their manner in between, and grow on both sides of that.

    Saturate goes below and then above the picture's own; spatter is water and then mud; elastic
    transform bends coarsely and then finely, each time more.
    """
    errors = []
    for severity in SEVERITIES:
        found = corrupt(image, kind, severity, seed=3)
        assert found.shape == image.shape
        assert found.dtype == np.uint8
        assert np.array_equal(found, corrupt(image, kind, severity, seed=3))
        errors.append(float(np.abs(found.astype(float) - image).mean()))
    turn = {"saturate": 2, "spatter": 3, "elastic_transform": 2}.get(kind, 5)
    rising = [one for one in (errors[:turn], errors[turn:]) if one]
    if kind == "elastic_transform":
        rising = rising[1:]  # the two coarse ones are a matter of chance
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


def test_motion_blur_is_a_line_of_half_a_gaussian() -> None:
    """A point becomes a streak on one side, in the line's direction; grey stays grey."""
    point = np.zeros((41, 41))
    point[20, 20] = 1
    streak = along_line(point, 5, 3, 0)
    weights = np.exp(-(np.arange(11) ** 2) / 18)
    # An image moved to the left is read to the right: the streak lies on the left.
    assert np.allclose(streak[20, 10:21][::-1], weights / weights.sum())
    assert np.isclose(streak.sum(), 1)
    down = along_line(point, 5, 3, 90)
    assert np.allclose(down, streak.T)
    assert np.allclose(along_line(np.full((9, 9, 3), 0.4), 10, 3, 30).std(), 0, atol=1e-9)
    assert np.allclose(along_line(np.full((64, 64, 3), 0.4), 10, 3, 30), 0.4)


def test_zooming_keeps_the_middle_and_the_size() -> None:
    ramp = np.tile(np.linspace(-1, 1, 65), (65, 1))
    large = centre_zoomed(ramp, 1.25)
    assert large.shape == ramp.shape
    assert large[32, 32] == pytest.approx(0, abs=0.02)
    assert np.ptp(large) == pytest.approx(np.ptp(ramp) / 1.25, rel=0.03)


def test_the_plasma_is_a_diamond_square_of_its_size() -> None:
    """Wrapped around, in [0, 1], and the rougher the slower its random part decays."""
    rough, smooth = (plasma(64, decay, np.random.default_rng(0)) for decay in (1.4, 3.0))
    for one in (rough, smooth):
        assert one.shape == (64, 64)
        assert (one.min(), one.max()) == (0, 1)
        seam = np.abs(one[:, 0] - one[:, -1]).mean()
        assert seam < 2 * np.abs(np.diff(one, axis=1)).mean()
    assert np.abs(np.diff(rough)).mean() > 2 * np.abs(np.diff(smooth)).mean()
    # By hand: one corner at 0, then the middle, then two edges.
    draws = np.random.default_rng(1)
    middle = 100 * draws.uniform(-1, 1)
    first = (2 * middle + 0) / 4 + 100 * draws.uniform(-1, 1)
    second = (2 * middle + 0) / 4 + 100 * draws.uniform(-1, 1)
    heights = np.array([[0, first], [second, middle]])
    heights -= heights.min()
    assert np.allclose(plasma(2, 2, np.random.default_rng(1)), heights / heights.max())


def test_glass_moves_pixels_and_keeps_their_values_near() -> None:
    """A grey picture stays; in a ramp no pixel comes from farther than the rounds allow."""
    grey = np.full((40, 40, 3), 120, dtype=np.uint8)
    assert np.abs(corrupt(grey, "glass_blur", 5).astype(int) - 120).max() <= 1
    ramp = np.tile(np.arange(60, dtype=np.uint8)[None, :, None] * 4, (60, 1, 3))
    moved = corrupt(ramp, "glass_blur", 2)
    assert 0 < np.abs(moved[5:-5, 5:-5].astype(int) - ramp[5:-5, 5:-5]).max() <= 4 * 2 + 4


def test_frost_lays_a_picture_over(tmp_path: Path, image: np.ndarray) -> None:
    frost = np.full((20, 100, 3), 200, dtype=np.uint8)
    Image.fromarray(frost).save(tmp_path / "frost.png")
    kinds = kinds_with(read_frost(tmp_path))
    assert FROST not in KINDS
    found = corrupt(image, FROST, 2, kinds=kinds)
    expected = np.clip(0.8 * image.astype(float) + 0.6 * 200, 0, 255)
    assert np.abs(found - expected).max() <= 1
    with pytest.raises(DataError, match="no pictures of frost"):
        read_frost(tmp_path / "none")


def corruption_row(name: str, kind: str, severity: int, accuracy: float) -> CorruptionRow:
    return CorruptionRow(
        name=name, part="o.o.d.", kind=kind, severity=severity, accuracy=accuracy, error=0.0,
        count=1,
    )  # fmt: skip


def test_mce_is_the_mean_of_ratios_of_errors(tmp_path: Path) -> None:
    """By hand: errors 20 and 40 against 40 and 50; held-back kinds do not enter."""
    rows = [
        corruption_row(name, kind, severity, accuracy)
        for name, clean, snow, fog in (("ERM", 90, 60, 50), ("dropout 0.9", 92, 80, 60))
        for kind, severity, accuracy in (
            ("none", 0, clean), ("snow", 1, snow + 5), ("snow", 5, snow - 5), ("fog", 1, fog),
            ("fog", 5, fog), ("saturate", 1, 0), ("saturate", 5, 0),
        )
    ]  # fmt: skip
    erm, own = mean_corruption_errors(rows, "ERM")
    assert (erm.mce, erm.relative_mce, erm.kinds) == (100, 100, 2)
    assert own.mce == pytest.approx(100 * (20 / 40 + 40 / 50) / 2)
    assert own.relative_mce == pytest.approx(100 * (12 / 30 + 32 / 40) / 2)
    table = tmp_path / "alexnet.csv"
    table.write_text("kind,error\nsnow,80\nfog,80\n")
    found = mean_corruption_errors(rows, str(table), read_reference(table))
    assert found[1].mce == pytest.approx(100 * (20 / 80 + 40 / 80) / 2)
    assert np.isnan(found[1].relative_mce), "the table has no clean error"


def test_references_are_checked_before_anything_is_measured(tmp_path: Path) -> None:
    every, names = list(SEVERITIES), ["ERM", "dropout 0.9"]
    assert check_reference("ERM", names, ["snow"], [1]) is None
    with pytest.raises(ConfigError, match=r"ERM, dropout 0\.9"):
        check_reference("AlexNet", names, ["snow"], every)
    table = tmp_path / "a.csv"
    table.write_text("kind,error\nsnow,80\n")
    assert check_reference(str(table), names, ["snow", "saturate"], every) == {"snow": 80.0}
    with pytest.raises(ConfigError, match="five severities"):
        check_reference(str(table), names, ["snow"], [1, 2])
    with pytest.raises(DataError, match="no error for 'fog'"):
        check_reference(str(table), names, ["snow", "fog"], every)
    with pytest.raises(ConfigError, match="nothing else"):
        check_reference("ERM", names, ["saturate"], every)
    for text in ("kind,error\nsnow,180\n", "kind,error\nsnow,1\nsnow,2\n", "a,b\n1,2\n"):
        table.write_text(text)
        with pytest.raises(DataError):
            read_reference(table)
    with pytest.raises(DataError):
        read_reference(tmp_path / "none.csv")


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_change_pictures_as_much_as_the_reference_does(kind: str) -> None:
    """Against imagecorruptions-imaug 1.1.5 (pip install --no-deps, and numba), where it is there.

    Elastic transform is the benchmark's own, which the fork replaced. Fog and drops vary much.
    """
    reference = pytest.importorskip("imagecorruptions")
    generator = np.random.default_rng(0)
    ground = np.kron(generator.integers(30, 220, (14, 14, 3)), np.ones((16, 16, 1)))
    picture = ground.astype(np.uint8)
    if kind == "elastic_transform":
        pytest.skip("another definition")
    for severity in SEVERITIES:
        ours, theirs = [], []
        for seed in range(4):
            np.random.seed(seed)  # noqa: NPY002  (theirs draws from it)
            other = reference.corrupt(picture, corruption_name=kind, severity=severity)
            ours.append(np.abs(corrupt(picture, kind, severity, seed).astype(float) - picture))
            theirs.append(np.abs(other.astype(float) - picture))
        slack = 0.25 if kind in {"fog", "spatter", "snow", "motion_blur"} else 0.1
        assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=slack, abs=0.6)


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
    assert dropout_ft(words) == 1, "it replaces nothing"
    assert "--overwrite" in capsys.readouterr().err
    with_reference = [*words, "--overwrite", "--reference", "ERM"]
    assert dropout_ft([*with_reference, "--images", "2"]) == 0
    with (tmp_path / "corruptions_mce.csv").open() as file:
        relative = {(r["name"], r["part"]): float(r["mce"]) for r in csv.DictReader(file)}
    assert relative["ERM", "o.o.d."] == 100
    assert len(relative) == 4
    assert dropout_ft([*words[:4], "--kinds", "frost"]) == 1
    assert "--frost" in capsys.readouterr().err
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


def test_errors_on_other_domains_are_not_divided_by_each_other(
    tiny_arguments: Callable[..., list[str]], dropout_ft: Run, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """ERM on one domain was the reference of runs on two, so that 100 meant nothing."""
    for rate, domain in (("0", "a"), ("0.5", "a"), ("0.5", "b")):
        more = ["--data.test_domains", f"[{domain}]", "--model.dropout_rate", rate]
        assert dropout_ft(tiny_arguments("fit", *more)) == 0
    out = tmp_path / "corruptions.csv"
    words = ["corruptions", str(tmp_path / "runs"), "--out", str(out), "--kinds", "contrast"]
    assert dropout_ft([*words, "--reference", "ERM"]) == 1
    assert "'dropout 0.5' and of the reference 'ERM' left out other" in capsys.readouterr().err
    assert not out.exists(), "before anything is measured"
