"""The measure of cost as work grows: exponents, table, one point in a process of its own."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from benchmarks.growth import SIZES, WHAT, exponent, figure, point, table

from conftest import REPOSITORY
from holdfast.report.figures import as_png


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_the_power(power: float) -> None:
    sizes = [10.0, 30.0, 100.0]
    assert exponent(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(power)


def test_no_exponent_of_nothing() -> None:
    assert math.isnan(exponent([1.0, 2.0], [0.0, 1.0]))


def test_every_axis_grows_at_least_eightfold_and_says_what_it_times() -> None:
    assert SIZES.keys() == WHAT.keys()
    assert all(sizes[-1] / sizes[0] >= 8 for sizes in SIZES.values())


def test_the_table_and_the_figure_show_every_axis() -> None:
    points = [
        {"size": float(size), "seconds": size / 7, "peak_mb": 100.0 + size, "grown_mb": 1.0,
         "largest_child_mb": 0.0}
        for size in (1, 10)
    ]  # fmt: skip
    found = {"images": points, "frames": points}
    lines = table(found).splitlines()
    assert len(lines) == 4
    assert "| images |" in lines[2]
    assert "| 1.00 |" in lines[3]
    assert as_png(figure(found)).startswith(b"\x89PNG")


def test_a_point_is_measured_where_it_is_asked_for() -> None:
    found = point("sequences", 3)
    assert found["size"] == 3
    assert 0 < found["seconds"] < 60
    assert found["peak_mb"] > 50
    assert np.isfinite(list(found.values())).all()


@pytest.mark.nightly
def test_one_point_in_a_process_of_its_own() -> None:
    words = [sys.executable, "-m", "benchmarks.growth", "--one", "images", "40"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["size"] == 40
