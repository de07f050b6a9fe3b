"""Model ratatouille (Rame et al. 2023): start from backbones fine-tuned on other tasks.

Each run starts from a backbone that was fine-tuned on auxiliary data, with a linear-probed head,
and is fine-tuned on the target; the final weights of the runs are then averaged, as any runs here
are (``average over runs``, the greedy soup, DiWA). ``model.start_from`` is the first step.
"""

from pathlib import Path

from dropout_ft.nn.adapters import merged
from dropout_ft.nn.backbones.base import Backbone
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.errors import CheckpointError

_PREFIX = "model.backbone."


def load_backbone(backbone: Backbone, path: str | Path) -> None:
    """Replace a backbone's weights by those of a run on other data.

    Args:
        backbone: changed in place.
        path: a checkpoint of ``fit``; its classes and head do not matter.

    Raises:
        CheckpointError: it is not such a checkpoint, or of another architecture.
    """
    state = read_checkpoint(path).get("state_dict")
    if not isinstance(state, dict) or not any(name.startswith(_PREFIX) for name in state):
        raise CheckpointError(
            f"{path} has no dropout_ft backbone: give a checkpoint that `dropout-ft fit` wrote."
        )
    own = {n.removeprefix(_PREFIX): v for n, v in state.items() if n.startswith(_PREFIX)}
    own = merged(own)
    check_same_architecture(own, backbone.state_dict(), source=path)
    backbone.load_state_dict(own)
