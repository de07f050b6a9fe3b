"""pytracking's analysis of one tracker: its own reader, measures and curves."""

import tempfile
from types import SimpleNamespace

import numpy as np
import torch
from worker import first_line, serve, stand_in

setting = first_line()
torch.set_num_threads(1)
stand_in(
    "visdom",
    "pytracking.evaluation.environment",
    "pytracking.evaluation.running",
    "pytracking.evaluation",
)

from pytracking.analysis import extract_results  # noqa: E402

found = np.load(setting["truths"])
place = tempfile.mkdtemp()
extract_results.env_settings = lambda: SimpleNamespace(result_plot_path=place)
extract_results.tqdm = lambda values: values
dataset = [
    SimpleNamespace(
        name=name, ground_truth_rect=found[name], dataset="lasot",
        target_visible=np.ones(len(found[name]), dtype=bool),
    )
    for name in found.files
]  # fmt: skip
tracker = SimpleNamespace(
    results_dir=setting["results"], name="t", parameter_name="p", run_id=None, display_name="t"
)
auc: list[float] = []


def work() -> None:
    data = extract_results.extract_results([tracker], dataset, "r", verbose=False)
    auc.append(100 * float(np.mean(data["ave_success_rate_plot_overlap"])))


serve(work, lambda: {"auc": auc[-1]})
