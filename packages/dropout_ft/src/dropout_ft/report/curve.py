"""The best dropout rate against the distance of the shift and the number of training images.

The paper expects the best rate to fall as data grows and as the shift shrinks, and shows one curve
for each data set. Here every domain left out, at every number of training images, is a place on it.
Everything is read from tidy tables, so that sweeps of several machines or versions go together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_ft.report.table import half_interval
from dropout_ft.report.tidy import COLUMNS
from dropout_ft.results.csv_text import csv_of
from dropout_ft.results.scores import TestPart
from holdfast.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

RUN = ["data", "budget", "label", "recipe", "left_out", "train_images", "dropout_rate",
       "split_seed", "seed", "point", "run"]  # fmt: skip
MEASURED = ["run", "data", "budget", "recipe", "dropout_rate", "seed", "split_seed", "left_out",
            "domain", "part", "step"]  # fmt: skip
PARTS: Mapping[TestPart, tuple[str, ...]] = {
    "whole": ("test_in", "test_out"), "in": ("test_in",), "out": ("test_out",),
}  # fmt: skip
Repeat = tuple[int, int]
"""Split seed and seed: what results are paired by."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One shift: domains left out by runs of one data set, budget and method; in points.

    Attributes:
        label: of the runs' variant; empty for the plain method.
        left_out: the domains left out.
        train_images: images trained on; 0 where the runs do not say.
        data: digest of the data.
        budget: digest of the budget.
        recipe: digest of the method.
        distances: i.i.d. minus o.o.d. accuracy of ERM, for each repeat.
        gains: o.o.d. accuracy minus that of ERM, for each rate and repeat; 0 for rate 0.
    """

    label: str
    left_out: str
    train_images: int
    data: str
    budget: str
    recipe: str
    distances: Mapping[Repeat, float]
    gains: Mapping[float, Mapping[Repeat, float]]

    @property
    def distance(self) -> float:
        """Mean over repeats."""
        return float(np.mean(list(self.distances.values())))

    @property
    def best(self) -> float:
        """The rate with the highest mean gain; 0 where none gains."""
        return max(self.gains, key=self.mean)

    @property
    def rivals(self) -> tuple[float, ...]:
        """The rates that are not told apart from the best: the 95 % interval holds no difference.

        Two rates without two repeats in common are not told apart.
        """
        found = [self.best]
        for rate in self.gains:
            middle, half = self.lead(self.best, rate)
            if rate != self.best and not abs(middle) > half:
                found.append(rate)
        return tuple(sorted(found))

    def mean(self, rate: float) -> float:
        """Return the mean gain of a rate."""
        return float(np.mean(list(self.gains[rate].values())))

    def interval(self, rate: float) -> float:
        """Return half the 95 % interval of a gain, by Student's t over repeats; nan for one."""
        return half_interval(list(self.gains[rate].values()))

    def lead(self, first: float, second: float) -> tuple[float, float]:
        """Return the mean paired difference of two rates and half its interval; nan if unknown."""
        own, other = self.gains.get(first, {}), self.gains.get(second, {})
        differences = [own[repeat] - other[repeat] for repeat in own if repeat in other]
        mean = float(np.mean(differences)) if differences else float("nan")
        return mean, half_interval(differences)


def read_tables(paths: Sequence[str | Path]) -> "pd.DataFrame":
    """Read tidy tables; a run that stands in several of them counts once.

    Args:
        paths: of ``tidy.csv`` files, or of the folders of reports.

    Raises:
        DataError: a table is missing, is no tidy table, or two of them disagree about a run.
    """
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    frames = [_read(Path(path).expanduser()) for path in paths]
    if not frames:
        raise DataError("There are no tables: give at least one folder of a report.")
    frame = pd.concat(frames, ignore_index=True)
    own = frame[(frame["method"] == "run")].drop_duplicates([*MEASURED, "accuracy", "selected"])
    twice = own[own.duplicated(MEASURED)]
    if len(twice):
        row = twice.iloc[0]
        raise DataError(
            f"Two tables disagree about the run {row['run']} (step {row['step']}, {row['domain']}, "
            f"{row['part']}): it was trained twice with unlike results. Give one of them."
        )
    return own


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    file = path / "tidy.csv" if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"There is no table {file}: make it with `dropout-ft report`.")
    text = {name: str for name, kind in COLUMNS.items() if kind in {"str", "bool"}}
    try:
        # Digests stay text: pandas would read some as numbers.
        frame = pd.read_csv(file, keep_default_na=False, na_values={"accuracy": ""}, dtype=text)
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{file} is no table: {error}") from error
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise DataError(
            f"{file} has no column '{missing[0]}': make the table again with `dropout-ft report` "
            "of this version."
        )
    frame["selected"] = frame["selected"] == "True"
    try:
        frame = frame[list(COLUMNS)].astype(COLUMNS)
    except (ValueError, TypeError) as error:
        raise DataError(f"{file} has a cell of another kind than its column: {error}") from error
    if not frame.loc[frame["method"] == "run", "accuracy"].between(0, 1).all():
        raise DataError(f"{file} has an accuracy that is no number from 0 to 1.")
    return frame


def places(frame: "pd.DataFrame", part: TestPart = "whole") -> list[Place]:
    """Return the places of a tidy table, near shifts first.

    Points of a search are averaged within a repeat, as in the paper; domains, budgets, data and
    methods never are.

    Args:
        frame: of :func:`~dropout_ft.report.tidy.tidy` or :func:`read_tables`.
        part: of the domains left out that is scored.
    """
    runs = _runs(frame, part)
    erm, found = runs[runs["dropout_rate"] == 0], []
    for key, own in runs.groupby(RUN[:6], sort=True):
        where = dict(zip(RUN[:6], key, strict=True))
        partners = _partners(erm, where)
        base = _by_repeat(partners, "ood")
        gains: dict[float, dict[Repeat, float]] = {0.0: dict.fromkeys(base, 0.0)}
        for rate, of_rate in own[own["dropout_rate"] > 0].groupby("dropout_rate", sort=True):
            ood = _by_repeat(of_rate, "ood")
            paired = {repeat: ood[repeat] - base[repeat] for repeat in ood if repeat in base}
            if paired:
                gains[float(rate)] = paired
        if len(gains) > 1:
            distances = _by_repeat(partners, "distance")
            found.append(Place(**where, distances=distances, gains=gains))
    return sorted(found, key=lambda place: place.distance)


def _runs(frame: "pd.DataFrame", part: TestPart) -> "pd.DataFrame":
    """Return a row for each run: ``ood`` and ``distance`` at its selected step, in points."""
    chosen = frame[
        (frame["method"] == "run") & (frame["objective"] == "ERM") & frame["selected"]
    ].copy()
    chosen["right"] = 100 * chosen["accuracy"] * chosen["images"]
    iid = chosen[chosen["part"] == "train_out"]
    tests = chosen[chosen["part"].isin(PARTS[part])]
    # The parts of a domain by their images, domains alike: as the report scores them.
    by_domain = tests.groupby([*RUN, "domain"])[["right", "images"]].sum()
    ood = (by_domain["right"] / by_domain["images"]).groupby(level=RUN).mean()
    means = 100 * iid.groupby(RUN)["accuracy"].mean()
    runs = ood.rename("ood").to_frame().join(means.rename("iid"), how="inner").reset_index()
    runs["distance"] = runs["iid"] - runs["ood"]
    return runs


def _partners(erm: "pd.DataFrame", where: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the ERM runs of a place; plain ones are preferred, as in the report's table.

    Tables of several sweeps may each call another method plain: then a place has its own ERM only.
    """
    like = erm
    for name in ("data", "budget", "left_out"):
        like = like[like[name] == where[name]]
    plain = like[like["label"] == ""]
    own = like[(like["label"] == where["label"]) & (like["recipe"] == where["recipe"])]
    return plain if plain["recipe"].nunique() == 1 else own


def _by_repeat(runs: "pd.DataFrame", column: str) -> dict[Repeat, float]:
    means = runs.groupby(["split_seed", "seed"], sort=True)[column].mean()
    return {(int(split), int(seed)): float(value) for (split, seed), value in means.items()}


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation; nan where it is not defined.

    Args:
        first: values of some places.
        second: other values of the same places.
    """
    pairs = np.array([first, second], dtype=float)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 3 or any(len(set(row)) < 2 for row in pairs.tolist()):
        return float("nan")
    from scipy.stats import spearmanr  # noqa: PLC0415  (half a second, for reports only)

    return float(spearmanr(pairs[0], pairs[1]).statistic)


def curve_csv(found: Sequence[Place]) -> str:
    """Return a row for each place and rate, with full precision."""
    import pandas as pd  # noqa: PLC0415

    rows = [
        {
            "left_out": place.left_out, "label": place.label, "data": place.data,
            "budget": place.budget, "recipe": place.recipe, "train_images": place.train_images,
            "distance": place.distance,
            "distance_interval": half_interval(list(place.distances.values())),
            "dropout_rate": rate, "gain": place.mean(rate), "gain_interval": place.interval(rate),
            "count": len(place.gains[rate]), "best": rate == place.best,
            "told_from_best": rate not in place.rivals,
        }
        for place in found
        for rate in sorted(place.gains)
    ]  # fmt: skip
    return csv_of(pd.DataFrame(rows))
