"""The paper's numbers beside ours, where the data set is the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.data.known import KNOWN
from dropout_ft.methods.base import ZERO_SHOT
from dropout_ft.report.names import method_name
from dropout_ft.report.results import Result
from dropout_ft.results.run import Run

Key = tuple[str, str, float]

# Means of the paper's clouds, i.i.d. and o.o.d. in percent: ResNet-50 with torchvision's second
# recipe, SGD, 10,000 steps, six hyper-parameter points and three seeds for each domain left out.
# Digitised from the paper's Fig. 3 (within 0.03) and Fig. 2 (within 0.1); v1 prints no table.
PAPER: dict[Key, tuple[float, float]] = {
    ("VLCS", "run", 0.0): (87.38, 78.73),
    ("VLCS", "run", 0.5): (87.59, 79.57),
    ("VLCS", "run", 0.9): (87.38, 80.00),
    ("VLCS", "run", 0.95): (87.31, 79.86),
    ("VLCS", "trajectory average", 0.0): (88.00, 79.31),
    ("VLCS", "trajectory ensemble", 0.0): (88.24, 79.44),
    ("VLCS", "average over runs", 0.0): (87.26, 78.85),
    ("VLCS", "ensemble over runs", 0.0): (88.05, 79.14),
    ("OfficeHome", "run", 0.0): (84.86, 70.81),
    ("OfficeHome", "run", 0.5): (85.95, 72.90),
    ("OfficeHome", "run", 0.9): (85.86, 73.44),
    ("OfficeHome", "run", 0.95): (85.13, 72.87),
    ("OfficeHome", "trajectory average", 0.0): (85.37, 71.64),
    ("OfficeHome", "trajectory ensemble", 0.0): (86.29, 71.63),
    ("OfficeHome", "average over runs", 0.0): (84.74, 71.32),
    ("OfficeHome", "ensemble over runs", 0.0): (85.96, 71.35),
    ("PACS", "run", 0.0): (97.52, 86.49),
    ("PACS", "run", 0.5): (97.69, 87.52),
    ("PACS", "run", 0.9): (97.81, 88.41),
    ("PACS", "run", 0.95): (97.87, 88.53),
    ("PACS", "trajectory average", 0.0): (97.57, 86.52),
    ("PACS", "trajectory ensemble", 0.0): (97.92, 86.58),
    ("PACS", "average over runs", 0.0): (97.13, 87.00),
    ("PACS", "ensemble over runs", 0.0): (97.84, 87.07),
    ("TerraIncognita", "run", 0.0): (91.33, 51.30),
    ("TerraIncognita", "run", 0.5): (90.08, 53.13),
    ("TerraIncognita", "run", 0.9): (87.87, 53.63),
    ("TerraIncognita", "run", 0.95): (86.61, 52.31),
    ("TerraIncognita", "trajectory average", 0.0): (89.72, 53.17),
    ("TerraIncognita", "trajectory ensemble", 0.0): (92.35, 52.63),
    ("TerraIncognita", "average over runs", 0.0): (89.73, 52.03),
    ("TerraIncognita", "ensemble over runs", 0.0): (93.33, 52.46),
}


CLIP = {"ViT-B-16", "ViT-B-16-quickgelu"}
"""CLIP ViT-B/16 in open_clip; its other names that begin so are SigLIP and other sizes."""

# Published o.o.d. accuracies in percent on CLIP ViT-B/16, means over domains left out: rows of
# tables 1 and 2 of MoE2 (AAAI 2026), and the runs of MIRO's authors (khanrc/miro, issue 6).
CLIP_TARGETS: dict[str, dict[str, float]] = {
    "zero-shot CLIP": {"PACS": 96.1, "VLCS": 82.3, "OfficeHome": 81.8, "TerraIncognita": 33.8,
                       "DomainNet": 56.6},
    "ERM": {"PACS": 85.8, "VLCS": 78.5, "OfficeHome": 78.1, "TerraIncognita": 41.0,
            "DomainNet": 52.2},
    "ERM (MIRO's runs)": {"PACS": 83.4, "VLCS": 75.9, "OfficeHome": 66.4, "TerraIncognita": 35.3,
                          "DomainNet": 44.4},
    "MIRO": {"PACS": 95.6, "VLCS": 82.2, "OfficeHome": 82.5, "TerraIncognita": 54.3,
             "DomainNet": 54.0},
    "MaPLe": {"PACS": 96.5, "VLCS": 82.2, "OfficeHome": 83.4, "TerraIncognita": 50.2,
              "DomainNet": 59.5},
    "SPG": {"PACS": 97.0, "VLCS": 82.4, "OfficeHome": 83.6, "TerraIncognita": 50.2,
            "DomainNet": 60.1},
    "ERM + LoRA r=2": {"PACS": 96.4, "VLCS": 82.6, "OfficeHome": 86.7, "TerraIncognita": 46.1,
                       "DomainNet": 61.5},
    "VL2V-ADiP": {"PACS": 94.9, "VLCS": 81.9, "OfficeHome": 85.7, "TerraIncognita": 55.4,
                  "DomainNet": 59.4},
    "VL2V-SD": {"PACS": 96.7, "VLCS": 83.3, "OfficeHome": 87.4, "TerraIncognita": 58.5,
                "DomainNet": 62.8},
    "MoA ensemble (LAION-2B)": {"PACS": 97.6, "VLCS": 83.4, "OfficeHome": 90.9,
                                "TerraIncognita": 54.3, "DomainNet": 63.1},
    "MoE2 (LAION-2B)": {"PACS": 97.63, "VLCS": 83.6, "OfficeHome": 90.9, "TerraIncognita": 56.2,
                        "DomainNet": 62.3},
}  # fmt: skip
CLIP_HEADER = ("method", "published o.o.d. %", "ours o.o.d. %", "ours i.i.d. %", "not left out")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One of the paper's numbers and ours, in percent.

    Attributes:
        name: method and rate.
        dataset: DomainBed's name.
        paper_iid: the paper's i.i.d. accuracy.
        paper_ood: the paper's o.o.d. accuracy.
        iid: ours, mean over domains left out.
        ood: ours.
        missing: domains that no run of ours left out; such a row is no like-for-like comparison.
    """

    name: str
    dataset: str
    paper_iid: float
    paper_ood: float
    iid: float
    ood: float
    missing: tuple[str, ...]


def dataset_of(run: Run) -> str:
    """Return DomainBed's name of a run's data, told by its domains and its number of classes."""
    for known in KNOWN.values():
        names = tuple(known.also.get(name, name) for name in run.table.domain_names)
        if names == known.domains and len(run.table.class_names) == known.classes:
            return known.name
    return ""


def comparisons(runs: Sequence[Run], results: Sequence[Result]) -> list[Comparison]:
    """Return a row for each of the paper's numbers that the results have a counterpart of.

    Results are averaged for each domain left out, then over domains, as the paper's cloud means.
    Runs of several data sets, or of one the paper does not show, have no counterpart.
    """
    datasets = {dataset_of(run) for run in runs}
    if len(datasets) != 1:
        return []
    dataset = datasets.pop()
    domains = KNOWN[dataset].domains if dataset else ()
    rows = []
    for (name, method, dropout_rate), (paper_iid, paper_ood) in PAPER.items():
        own = [
            r for r in results if (r.method, r.dropout_rate, r.label) == (method, dropout_rate, "")
        ]
        own = [r for r in own if "+" not in r.test_name]
        if name != dataset or not own:
            continue
        there = sorted({r.test_name for r in own})
        iid, ood = np.mean([_mean(own, domain) for domain in there], axis=0)
        rows.append(
            Comparison(
                name=method_name(method, dropout_rate),
                dataset=dataset,
                paper_iid=paper_iid,
                paper_ood=paper_ood,
                iid=100 * float(iid),
                ood=100 * float(ood),
                missing=tuple(d for d in domains if d not in _spelled(dataset, there)),
            )
        )
    return rows


TARGET_HEADER = ("method", "paper i.i.d. %", "ours", "paper o.o.d. %", "ours", "not left out")


def target_cells(row: Comparison) -> list[str]:
    """Return the cells of a row as they are shown."""
    return [
        row.name,
        f"{row.paper_iid:.1f}",
        f"{row.iid:.1f}",
        f"{row.paper_ood:.1f}",
        f"{row.ood:.1f}",
        ", ".join(row.missing) or "-",
    ]


def _mean(results: Sequence[Result], domain: str) -> tuple[float, float]:
    own = [r for r in results if r.test_name == domain]
    return float(np.mean([r.iid for r in own])), float(np.mean([r.ood for r in own]))


def _spelled(dataset: str, names: Sequence[str]) -> list[str]:
    return [KNOWN[dataset].also.get(name, name) for name in names]


def on_clip(runs: Sequence[Run]) -> bool:
    """Tell whether all runs fine-tuned CLIP ViT-B/16."""
    return all(run.coordinates.backbone in CLIP for run in runs)


def clip_cells(runs: Sequence[Run], results: Sequence[Result]) -> list[list[str]]:
    """Return rows of published numbers on CLIP ViT-B/16, then of ours on the same data set.

    A published row has a number of ours beside it only where both are zero-shot CLIP with OpenAI's
    weights: nobody has published large dropout, and the others' recipes are not ours. Nothing
    where the runs are of several data sets, of one without published numbers, or on another
    network.
    """
    datasets = {dataset_of(run) for run in runs}
    dataset = next(iter(datasets)) if len(datasets) == 1 else ""
    if not on_clip(runs) or all(dataset not in values for values in CLIP_TARGETS.values()):
        return []
    own = _own_rows(dataset, results)
    openai = all(run.coordinates.weights == "openai" for run in runs)
    nothing = ["-"] * 3
    rows = []
    for name, values in CLIP_TARGETS.items():
        ours = own.pop(name) if openai and name == ZERO_SHOT and name in own else nothing
        rows.append([name, f"{values[dataset]:.1f}", *ours])
    return rows + [[f"{name} (ours)", "-", *cells] for name, cells in own.items()]


def _own_rows(dataset: str, results: Sequence[Result]) -> dict[str, list[str]]:
    """Return o.o.d. and i.i.d. accuracy of ours, and the domains not left out, by name."""
    single = [r for r in results if "+" not in r.test_name]
    found = {}
    for name in dict.fromkeys(r.name for r in single):
        own = [r for r in single if r.name == name]
        there = sorted({r.test_name for r in own})
        iid, ood = np.mean([_mean(own, domain) for domain in there], axis=0)
        missing = [d for d in KNOWN[dataset].domains if d not in _spelled(dataset, there)]
        found[name] = [f"{100 * ood:.1f}", f"{100 * iid:.1f}", ", ".join(missing) or "-"]
    return found
