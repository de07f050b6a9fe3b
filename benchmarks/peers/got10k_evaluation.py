"""The got10k toolkit's report on LaSOT of one tracker: its own reader, measures and curves."""

import tempfile
from pathlib import Path

import numpy as np
from worker import first_line, serve, stand_in

setting = first_line()
stand_in("fire", "wget", "shapely", "shapely.geometry")

from got10k.experiments.lasot import ExperimentLaSOT  # noqa: E402

found = np.load(setting["truths"])


class Sequences:
    """What the experiment asks of its data set: names, and (pictures, boxes) in order."""

    seq_names = found.files

    def __len__(self) -> int:
        return len(self.seq_names)

    def __getitem__(self, place: int) -> tuple[None, np.ndarray]:
        return None, boxes[self.seq_names[place]]


boxes = {name: found[name] for name in found.files}
results = Path(setting["results"])
experiment = ExperimentLaSOT.__new__(ExperimentLaSOT)
experiment.dataset = Sequences()
experiment.result_dir, experiment.report_dir = str(results.parent), tempfile.mkdtemp()
experiment.nbins_iou, experiment.nbins_ce, experiment.nbins_nce = 21, 51, 51
experiment.plot_curves = lambda names: None  # pictures of the curves are not compared
auc: list[float] = []


def work() -> None:
    report = experiment.report([results.name])
    auc.append(float(report[results.name]["overall"]["success_score"] * 100))


serve(work, lambda: {"auc": auc[-1]})
