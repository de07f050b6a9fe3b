"""``dropout-ft combine``: several runs of one test domain as one model."""

import sys
from pathlib import Path

from dropout_ft.commands.trusted import own_classes
from dropout_ft.methods.base import Options
from dropout_ft.methods.run_ensemble import EnsembleOverRuns
from dropout_ft.results.run import check_same_tables, load_runs
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart


def combine(
    runs: list[str],
    *,
    out: str | None = None,
    overwrite: bool = False,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Score the logit ensemble and the weight average of the runs' final checkpoints.

    Unlike the report, the runs may differ in anything but data, split and architecture.

    Args:
        runs: run directories of the same data, split and test domain.
        out: if given, the averaged weights are written to this safetensors file.
        overwrite: replace an existing file.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    loaded = load_runs(runs, own_classes(backbone, source))
    if len(loaded) < 2:
        raise ConfigError("Combining needs at least two runs of the same test domain.")
    check_same_tables(loaded)
    written = [out] if out is not None else []
    keep_apart(written, [run.directory.path for run in loaded])
    check_files(written, overwrite=overwrite)

    # torch comes with these: what is wrong with the runs is said sooner
    from dropout_ft.methods.reevaluation import Reevaluation, final_weights
    from dropout_ft.methods.weight_average import average_weights
    from holdfast.checkpoints.weights import write_weights

    # Before anything is said: the runs may name a class that is not known here.
    first = Reevaluation(loaded[0])
    (ensemble,) = EnsembleOverRuns().scores(loaded, Options())
    _print(f"ensemble of {len(loaded)} runs", ensemble)
    average = average_weights([final_weights(run) for run in loaded])
    _print(f"average of {len(loaded)} runs", first.scores(average))
    if out is not None:
        write_weights(Path(out).expanduser(), average)
        sys.stdout.write(f"averaged weights: {out}\n")


def _print(name: str, scores: dict[str, float]) -> None:
    sys.stdout.write(f"{name}: i.i.d. {100 * scores['iid']:.2f} %, ")
    sys.stdout.write(f"o.o.d. {100 * scores['ood']:.2f} %\n")
