"""The page and tables of ``dropout-ft estimate``."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dropout_ft.data.decoding import read_rgb
from dropout_ft.report.estimating import (
    Check,
    Estimate,
    Evidence,
    label_first,
    surest_estimator,
)
from dropout_ft.results.csv_text import csv_of
from holdfast.atomic import write_text
from holdfast.report.page import page_environment

SIDE = 88
ESTIMATE_HEADER = (
    "method", "estimator", "estimated accuracy %", "95 % interval", "typical error, points", "runs",
)  # fmt: skip
CHECK_HEADER = ("method", "estimator", "left out", "estimate %", "truth %", "error, points")


def write_estimate(
    folder: Path,
    *,
    site: str,
    paths: Sequence[Path],
    found: Sequence[Evidence],
    class_names: Sequence[str],
    estimates: Sequence[Estimate],
    checks: Sequence[Check],
) -> Path:
    """Write ``estimate.html``, ``estimates.csv``, ``checks.csv`` and ``label_first.csv``.

    Args:
        folder: to write into.
        site: name of the unlabelled pictures.
        paths: the M unlabelled pictures.
        found: what each run says.
        class_names: in the order of probabilities.
        estimates: at the site.
        checks: on the domains left out.

    Returns:
        The page.
    """
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    mean = np.mean([one.site for one in found], axis=0)
    first = [
        {
            "path": str(paths[place]),
            "guess": class_names[int(mean[place].argmax())],
            "probability": float(mean[place].max()),
        }
        for place in label_first(found)
    ]
    errors = [{**asdict(check), "error": check.error} for check in checks]
    write_text(folder / "estimates.csv", csv_of(pd.DataFrame(map(asdict, estimates))))
    write_text(folder / "checks.csv", csv_of(pd.DataFrame(errors)))
    write_text(folder / "label_first.csv", csv_of(pd.DataFrame(first)))
    template = page_environment("dropout_ft.report").get_template("estimate.html.j2")
    best = surest_estimator(estimates)
    page = template.render(
        site=site, count=len(paths), sentence=sentence(best), best=best,
        others=others(estimates, best),
        domains=sorted({check.test_name for check in checks}),
        estimate_header=ESTIMATE_HEADER, estimates=[estimate_cells(one) for one in estimates],
        check_header=CHECK_HEADER, checks=[check_cells(one) for one in checks],
        pictures=[{**one, "png": _thumbnail(Path(str(one["path"])))} for one in first],
    )  # fmt: skip
    write_text(folder / "estimate.html", page)
    return folder / "estimate.html"


def sentence(best: Estimate) -> str:
    """Return the answer in one sentence."""
    return (
        f"{best.name}: about {best.value:.0f} % right at the new site, between {best.low:.0f} and "
        f"{best.high:.0f} % (95 % interval from the errors of {best.estimator} on "
        f"{best.domains} domain{'s' if best.domains > 1 else ''} left out)."
    )


def others(estimates: Sequence[Estimate], best: Estimate) -> list[str]:
    """Return a sentence for each other method of the sweep, by its own surest estimator.

    The method that can be estimated best need not be the one that was chosen to be used.
    """
    names = dict.fromkeys(one.name for one in estimates if one.name != best.name)
    found = []
    for name in names:
        own = [one for one in estimates if one.name == name]
        if any(np.isfinite(one.value) and np.isfinite(one.low) for one in own):
            surest = surest_estimator(own)
            found.append(
                f"{name}: about {surest.value:.0f} %, between {surest.low:.0f} and "
                f"{surest.high:.0f} % ({surest.estimator})."
            )
        else:
            found.append(f"{name}: no estimate could be made.")
    return found


def estimate_cells(one: Estimate) -> list[str]:
    """Return the cells of an estimate as they are shown; a dash where there is none."""
    none = np.isnan(one.value) or np.isnan(one.low)
    return [
        one.name, one.estimator, "-" if np.isnan(one.value) else f"{one.value:.1f}",
        "-" if none else f"{one.low:.0f} to {one.high:.0f}",
        "-" if np.isnan(one.typical_error) else f"{one.typical_error:.1f}", str(one.runs),
    ]  # fmt: skip


def check_cells(one: Check) -> list[str]:
    """Return the cells of a check as they are shown; a dash where there is no estimate."""
    none = np.isnan(one.estimate)
    return [
        one.name, one.estimator, one.test_name, "-" if none else f"{one.estimate:.1f}",
        f"{one.truth:.1f}", "-" if none else f"{one.error:+.1f}",
    ]  # fmt: skip


def _thumbnail(path: Path) -> bytes:
    image = read_rgb(path)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
