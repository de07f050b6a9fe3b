"""What ``dropout-ft`` adds to the shared command line's runs."""

from collections.abc import Iterable, Mapping

from pytorch_lightning import Callback, LightningModule
from torch import Tensor

from dropout_ft.data.domains import DomainData
from dropout_ft.results.rows import current_rows
from dropout_ft.results.selection import select_iid
from dropout_ft.training.module import FineTuning
from dropout_ft.training.recorder import EvaluationRecorder
from holdfast.cli.lightning_cli import TrackHooks
from holdfast.runs.directory import RunDirectory
from holdfast.training.datamodule import StepDataModule

# Runs that differ in these alone are repeats of one method, at one rate each.
REPEATS = (
    "model.dropout_rate",
    "model.class_names",
    "data.test_domains",
    "data.split_seed",
    "data.source.init_args.root",
    "data.num_workers",
    "data.eval_batch_size",
    "data.content_hash",
    "trainer.accelerator",
    "trainer.precision",  # what it came to is a coordinate
    "trainer.devices",
)


def hooks() -> TrackHooks:
    """Return the track's hooks."""
    return TrackHooks(repeats=REPEATS, connect=connect, callbacks=callbacks, closing=closing)


def connect(module: LightningModule, data: StepDataModule) -> None:
    """Tell the data what the network expects, and the module where the head's batches come from."""
    assert isinstance(module, FineTuning)
    assert isinstance(data, DomainData)
    data.use_network(module.model)

    def batches() -> Iterable[Mapping[str, Tensor]]:
        seed = data.seed
        if module.head_start is not None and module.head_start.shared:
            data.seed = module.head_start.seed
        with data.whole_steps():  # the head must not depend on the number of processes
            loader = data.train_dataloader()
        data.seed = seed
        return loader

    module.warm_start_batches = batches


def callbacks(directory: RunDirectory) -> list[Callback]:
    """Return the callbacks that every ``fit`` of this track has."""
    return [EvaluationRecorder(directory)]


def closing(directory: RunDirectory) -> str:
    """Say which step the i.i.d. accuracy selects, and its accuracies."""
    rows = current_rows(directory.results)
    if not rows:
        return "nothing was evaluated"
    best = select_iid(rows)
    words = f"selected step {best['step']}: i.i.d. {100 * best['iid']:.1f} %"
    return f"{words}, o.o.d. {100 * best['ood']:.1f} %" if "ood" in best else words
