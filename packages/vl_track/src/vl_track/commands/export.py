"""``vl-track export``: a trained checkpoint as a small model folder."""

import sys

from holdfast.checkpoints.io import check_same_architecture
from vl_track.loading import build_network, read_trained, save_network, size_in_megabytes


def export(*, ckpt: str, out: str) -> None:
    """Write ``config.json`` and float16 safetensors of at most 16 MB each for ``--weights``.

    Alignment's projections and the optimiser stay behind. Where the run kept an average of the
    weights, the average is written.

    Args:
        ckpt: written by ``vl-track fit``.
        out: the folder to write.
    """
    config, weights = read_trained(ckpt)
    config["backbone"] = {**config["backbone"], "weights": None}
    network = build_network(config, ckpt)
    check_same_architecture(weights, network.state_dict(), source=ckpt)
    files = save_network(out, config, weights)
    sys.stdout.write(
        f"Exported {size_in_megabytes(weights):.1f} MB in {len(files)} file(s) to {out}: use it "
        f"with --weights {out}\n"
    )
