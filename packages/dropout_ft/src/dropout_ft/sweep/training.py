"""What a sweep's job does: one ``fit`` in the job's folder; and running them all."""

from dropout_ft.app import APP
from dropout_ft.results.rows import current_rows
from dropout_ft.results.selection import select_iid
from holdfast.errors import DataError


def train(
    *, folder: str, settings: list[str], files: list[str], data: str | None = None
) -> dict[str, float]:
    """Train, resuming what is there, and return the selected step's accuracies.

    Args:
        folder: of the job; the run is a folder in it.
        settings: words ``--key=value``.
        files: YAML files of ``fit``.
        data: YAML of a data set instead of theirs.

    Returns:
        ``iid`` and ``ood`` in [0, 1], and ``step``, of the step that the i.i.d. accuracy selects.

    Raises:
        DataError: the run has no evaluation, or a row of its results is none.
    """
    words = ["fit"]
    for file in files:
        words += ["--config", file]
    words += [f"--data={data}"] if data else []
    words += [*settings, f"--run.root={folder}", "--trainer.enable_model_summary=false"]
    run = APP.run_lightning(words).directory
    rows = current_rows(run.results)
    if not rows:
        raise DataError(f"{run.results} has no evaluation: let the run validate at least once.")
    best = select_iid(rows)
    return {name: float(best[name]) for name in ("iid", "ood", "step") if name in best}


def best_of(results: list[dict[str, float]]) -> str:
    """Say which finished run has the best i.i.d. accuracy; the o.o.d. one is shown, not used."""
    best = max(results, key=lambda result: result["iid"])
    ood = f", {100 * best['ood']:.1f} % on the domain left out" if "ood" in best else ""
    return f"best run so far: {100 * best['iid']:.1f} % on pictures held out{ood}"
