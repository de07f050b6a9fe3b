"""What a sweep's job does: one ``fit`` in the job's folder."""

from dropout_ft.app import APP
from dropout_ft.results.selection import select_iid
from holdfast.runs.results import read_results


def train(*, folder: str, files: list[str], settings: list[str]) -> dict[str, float]:
    """Train, resuming what is there, and return the selected step's accuracies.

    Args:
        folder: of the job; the run is a folder in it.
        files: YAML files of ``fit``.
        settings: words ``--key=value``.

    Returns:
        ``iid`` and ``ood`` in [0, 1], and ``step``, of the step that the i.i.d. accuracy selects.
    """
    words = ["fit"]
    for file in files:
        words += ["--config", file]
    words += [*settings, f"--run.root={folder}", "--trainer.enable_model_summary=false"]
    run = APP.run_lightning(words).directory
    best = select_iid(
        [{"step": row["step"], **row["current"]} for row in read_results(run.results)]
    )
    return {name: float(best[name]) for name in ("iid", "ood", "step")}


def best_of(results: list[dict[str, float]]) -> str:
    """Say which finished run has the best i.i.d. accuracy; the o.o.d. one is shown, not used."""
    best = max(results, key=lambda result: result["iid"])
    return f"best i.i.d. so far {100 * best['iid']:.1f} % (its o.o.d. {100 * best['ood']:.1f} %)"
