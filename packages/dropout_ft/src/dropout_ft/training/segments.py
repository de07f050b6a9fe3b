"""Weights along a run, kept so that SWA, SWAD and WiSE-FT need no run of their own.

Between two evaluations lies a segment of steps. Its mean weights and its last weights are written
when the evaluation begins; averages over any segments are then a matter of arithmetic.
"""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dropout_ft.nn.adapters import has_adapter, merged
from holdfast.checkpoints.weights import write_weights
from holdfast.errors import ConfigError, DataError

FOLDER = "segments"
StateDict = dict[str, Tensor]


class SegmentWeights(Callback):
    """Write every segment's mean and last trained weights below the run's directory.

    The file of step 0 has the weights that training started from, after the head's warm start.
    Costs two copies of the trained weights a segment: with 35 evaluations of a whole ResNet-50
    6.6 GB a run, of the last two stages of EfficientNet-Lite0 24 MB each.

    Args:
        mean: also keep the mean over the segment's steps, which SWAD needs.
    """

    def __init__(self, mean: bool = True) -> None:
        self.mean = mean
        self._total: StateDict = {}
        self._count = 0

    def on_train_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ANN401  (Lightning's signature)
        batch_idx: int,
    ) -> None:
        """Keep the weights that training starts from."""
        if trainer.global_step == 0 and batch_idx == 0 and trainer.is_global_zero:
            last = {f"last.{name}": value for name, value in trained(pl_module).items()}
            write_weights(_path(trainer, 0), last)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Add the weights after an optimiser step to the segment."""
        if not self.mean or (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        for name, value in trained(pl_module).items():
            if name not in self._total:
                self._total[name] = torch.zeros_like(value, dtype=torch.float64)
            self._total[name] += value
        self._count += 1

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the segment that ends here."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if trainer.is_global_zero:
            content = {f"last.{name}": value for name, value in trained(pl_module).items()}
            for name, total in self._total.items():
                content[f"mean.{name}"] = (total / self._count).to(torch.float32)
            content["count"] = torch.tensor(self._count)
            write_weights(_path(trainer, trainer.global_step), content)
        self._total, self._count = {}, 0

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs to finish the segment it was in."""
        return {"total": self._total, "count": self._count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the segment."""
        self._total = dict(state_dict["total"])
        self._count = int(state_dict["count"])


def trained(module: nn.Module) -> StateDict:
    """Return detached weights that training changes, those of the objective left out.

    With adapters these are the merged weights of the layers that have one, under the names of the
    plain network: the mean of products is not the product of means.
    """
    if has_adapter(module):
        return _merged_trained(module)
    return {
        name: value.detach()
        for name, value in module.named_parameters()
        if value.requires_grad and not name.startswith("objective.")
    }


def _merged_trained(module: nn.Module) -> StateDict:
    state = {name: value.detach() for name, value in module.state_dict().items()}
    changed = {n for n, p in module.named_parameters() if p.requires_grad}
    touched = {n.split(".lora_")[0] + "." for n in changed if ".lora_" in n}
    plain = {n.replace("base_layer.", "") for n in changed}
    plain |= {
        name.replace("base_layer.", "")
        for name in state
        if any(name.startswith(layer + "base_layer.") for layer in touched)
    }
    return {
        name: value
        for name, value in merged(state).items()
        if name in plain and not name.startswith("objective.")
    }


class Segment:
    """One segment of a run, read when its weights are asked for.

    Args:
        path: of its file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.step = int(path.stem.removeprefix("step-"))

    def read(self) -> tuple[StateDict, StateDict, int]:
        """Return the last weights, the mean weights (empty if not kept) and the count of steps.

        Raises:
            DataError: the file is damaged.
        """
        try:
            found = load_file(self.path)
        except (SafetensorError, OSError) as error:
            raise DataError(f"{self.path} is damaged ({error}): run `fit` again.") from error
        last = {n.removeprefix("last."): v for n, v in found.items() if n.startswith("last.")}
        mean = {n.removeprefix("mean."): v for n, v in found.items() if n.startswith("mean.")}
        return last, mean, int(found.get("count", torch.tensor(0)))


def segments_of(run: Path) -> list[Segment]:
    """Return the segments of a run in the order of steps, the start (step 0) first.

    Raises:
        ConfigError: the run kept none.
    """
    found = [Segment(path) for path in sorted((run / FOLDER).glob("step-*.safetensors"))]
    if not found:
        raise ConfigError(
            f"{run} kept no weights along the way: train with the callback "
            "dropout_ft.training.segments.SegmentWeights."
        )
    return found


def _path(trainer: Trainer, step: int) -> Path:
    return Path(trainer.default_root_dir) / FOLDER / f"step-{step:07d}.safetensors"
