"""The paper's clouds and the LaTeX table."""

from itertools import product

import numpy as np
import pytest
from matplotlib.figure import Figure

from dropout_ft.report import clouds as module
from dropout_ft.report import figures
from dropout_ft.report.clouds import cloud
from dropout_ft.report.results import Result
from dropout_ft.report.table import latex_text, make_rows
from holdfast.report.figures import as_png
from tables_support import make_result


def results(domains: int, points: int, seeds: int = 3, dropout_rate: float = 0.9) -> list[Result]:
    draw = np.random.default_rng(domains * points)
    return [
        make_result(
            "run", dropout_rate, float(draw.random()), seed=seed, left_out=(f"d{domain}",),
            point={"p": point}, iid=float(draw.random()),
        )
        for domain in range(domains)
        for point in range(points)
        for seed in range(seeds)
    ]  # fmt: skip


def test_the_papers_cloud_has_1296_points() -> None:
    assert cloud(results(domains=4, points=6)).shape == (1296, 2)


def test_every_point_is_the_mean_of_one_choice_for_each_domain() -> None:
    found = results(domains=2, points=3)
    expected = set()
    for first, second in product(range(3), repeat=2):
        chosen = [
            [
                (r.iid, r.ood)
                for r in found
                if (r.test_name, r.coordinates.point) == (f"d{d}", {"p": p})
            ]
            for d, p in ((0, first), (1, second))
        ]
        point = np.mean([np.mean(seeds, axis=0) for seeds in chosen], axis=0)
        expected.add(tuple(np.round(point, 12)))
    assert {tuple(np.round(point, 12)) for point in cloud(found)} == expected


def test_the_clouds_mean_is_the_mean_of_everything() -> None:
    found = results(domains=3, points=4)
    assert cloud(found).mean(0) == pytest.approx(np.mean([(r.iid, r.ood) for r in found], axis=0))


def test_too_many_combinations_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 50)
    found = results(domains=4, points=6)
    assert cloud(found).shape == (50, 2)
    assert np.array_equal(cloud(found), cloud(found))
    assert cloud([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("points", "said"),
    [(1, "a point for each method"), (2, "every combination of hyper-parameters, means in black")],
)
def test_the_caption_names_means_where_they_are_drawn(
    points: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's page said "means in black", and nothing in its figure was black."""
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "as_png", lambda figure: drawn.append(figure) or as_png(figure))
    found = [*results(2, points, dropout_rate=0.0), *results(2, points, dropout_rate=0.9)]
    caption, png = figures.clouds(found)
    assert png.startswith(b"\x89PNG")
    assert said in caption
    colours = {tuple(one.get_facecolor()[0]) for one in drawn[0].axes[0].collections}
    assert ((0.0, 0.0, 0.0, 1.0) in colours) == ("black" in caption)


def test_latex_escapes_and_says_what_the_errors_are() -> None:
    text = latex_text(make_rows(results(2, 1)), note="50 % of A_B & C")
    lines = text.splitlines()
    assert lines[0] == "% 50 % of A_B & C"
    assert "standard error over n results" in lines[1]
    assert r"i.i.d. \% & o.o.d. \%" in text
    assert "±" in text
    assert text.count(r" \\") == 2
    assert lines[-1] == r"\end{tabular}"
