"""``vl-track convert``: released OSTrack and All-in-One weights into a model folder of ours."""

import json
import sys
from pathlib import Path

from holdfast.atomic import write_text
from holdfast.checkpoints.weights import read_weights, write_weights
from holdfast.errors import CheckpointError
from vl_track.loading import build_network
from vl_track.nn.official import check_complete, from_official


def convert(official: str, *, out: str, elimination: bool = True) -> None:
    """Turn an official checkpoint into a model folder for ``--weights``.

    Only tensors are read from the file; a file that holds other objects beside them is refused by
    torch's safe loader unless they are plain numbers, texts and containers.

    Args:
        official: ``OSTrack_ep0300.pth.tar`` or the like, of OSTrack or All-in-One.
        out: the folder to write: ``config.json`` and float32 safetensors.
        elimination: the variant with candidate elimination (``..._ce_...``).
    """
    state = read_weights(official)
    try:
        converted = from_official(state, elimination=elimination)
        network = build_network(converted.config, official)
        check_complete(converted.weights, network.state_dict())
    except CheckpointError as error:
        raise CheckpointError(f"{official} cannot be converted. {error}") from error
    folder = Path(out)
    # float32, unlike our own models: outputs must equal the release's.
    write_weights(folder / "model.safetensors", converted.weights)
    write_text(folder / "config.json", json.dumps(converted.config, indent=2) + "\n")
    dropped = len(converted.training_only)
    sys.stdout.write(
        f"Converted {len(converted.weights)} tensors into {out}"
        + (
            f"; {dropped} alignment tensors serve training only and were left out"
            if dropped
            else ""
        )
        + f".\nUse it: vl-track track VIDEO --box x,y,w,h --weights {out}\n"
    )
