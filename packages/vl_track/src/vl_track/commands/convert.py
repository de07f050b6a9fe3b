"""``vl-track convert``: released OSTrack and All-in-One weights into a model folder of ours."""

import json
import sys
from pathlib import Path

from holdfast.atomic import write_text
from holdfast.errors import CheckpointError
from holdfast.outputs import check_files


def convert(official: str, *, out: str, elimination: bool = True, overwrite: bool = False) -> None:
    """Turn an official checkpoint into a model folder for ``--weights``.

    The checkpoint is read as the trainers of OSTrack and All-in-One save it. Only tensors are taken
    from it: settings and statistics are replaced by empty stand-ins, and any other object is
    refused. The folder also says how the release maps boxes, so that the boxes are the release's.

    Args:
        official: ``OSTrack_ep0300.pth.tar`` or the like, of OSTrack or All-in-One.
        out: the folder to write: ``config.json`` and float32 safetensors.
        elimination: the variant with candidate elimination (``..._ce_...``).
        overwrite: replace the model in ``out`` if there is one.
    """
    folder = Path(out).expanduser()
    files = [folder / "model.safetensors", folder / "config.json"]
    check_files(files, [official], overwrite=overwrite)

    from holdfast.checkpoints.weights import write_weights  # noqa: PLC0415  (torch comes with it)
    from vl_track.loading import build_network  # noqa: PLC0415
    from vl_track.nn.official import check_complete, from_official  # noqa: PLC0415
    from vl_track.nn.released import read_released  # noqa: PLC0415

    state, prefix = read_released(official)
    try:
        converted = from_official(state, elimination=elimination, prefix=prefix)
        network = build_network(converted.config, official)
        check_complete(converted.weights, network.state_dict(), prefix)
    except CheckpointError as error:
        raise CheckpointError(f"{official} cannot be converted. {error}") from error
    # float32, unlike our own models: outputs must equal the release's.
    write_weights(files[0], converted.weights)
    write_text(files[1], json.dumps(converted.config, indent=2) + "\n")
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
