"""Networks from model folders, checkpoints, and the one that comes with the package."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from holdfast.atomic import write_text
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.checkpoints.weights import read_weights, write_weights
from holdfast.errors import CheckpointError
from vl_track.finding import Conventions
from vl_track.nn.known import maker
from vl_track.nn.network import AllInOne
from vl_track.packaged import packaged

MAX_FILE_BYTES = 16_000_000
CONVENTIONS_KEY = "conventions"
"""Of a checkpoint: how the network's boxes are read; ``tracker`` in a model folder."""
_BODY = ("text_norm", "matching", "template_factor", "search_factor", "presence")


def load_network(
    source: str | Path | None = None, classes: Sequence[type[nn.Module]] = ()
) -> AllInOne:
    """Build a network and load its weights.

    Args:
        source: a folder with ``config.json`` and safetensors, a ``.ckpt`` of ``vl-track fit``, or
            ``None`` for the model that comes with the package.
        classes: heads, text encoders and backbones of your own that the source may name.

    Returns:
        In evaluation mode, float32.

    Raises:
        CheckpointError: missing, damaged, or not a tracker of ours.
    """
    if source is None:
        source = packaged()
    source = Path(source)
    config, weights = read_folder(source) if source.is_dir() else read_trained(source)
    network = build_network(config, source, classes)
    weights = {name: value.float() if value.is_floating_point() else value
               for name, value in weights.items()}  # fmt: skip
    check_same_architecture(weights, network.state_dict(), source=source)
    network.load_state_dict(weights)
    return network.eval()


def untrained_network(
    source: str | Path | None = None, classes: Sequence[type[nn.Module]] = ()
) -> AllInOne:
    """Build the network that :func:`load_network` loads, with random weights: to look at."""
    source = packaged() if source is None else Path(source)
    config, _ = read_folder(source) if source.is_dir() else read_trained(source)
    return build_network(config, source, classes)


def build_network(
    config: Mapping[str, Any], source: str | Path, classes: Sequence[type[nn.Module]] = ()
) -> AllInOne:
    """Build the network of a description, with random weights.

    Args:
        config: ``backbone``, ``text`` and ``head``, each with ``class_path`` and ``init_args``, and
            the other arguments of :class:`AllInOne`.
        source: where it came from, for messages.
        classes: heads, text encoders and backbones of the user's own, besides ours.

    Raises:
        CheckpointError: the description is not one of ours, or names a class that is not known.
    """
    try:
        backbone, text, head = (maker(p, config[p], classes) for p in ("backbone", "text", "head"))
    except (LookupError, TypeError, AttributeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise CheckpointError(
            f"{source} does not describe a tracker that can be built here: {reason}."
        ) from error
    try:
        body = {key: config[key] for key in _BODY if key in config}
        # The source holds every weight; the pre-trained ones need not be there any more.
        network = AllInOne(backbone(**_without_weights(backbone)), text(), head, **body)
        network.conventions = Conventions(**(config.get("tracker") or {}))
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{source} does not describe a tracker of this version ({error!r}): check that it is a "
            "vl-track model."
        ) from error
    return network


def _without_weights(backbone: Callable[..., Any]) -> dict[str, None]:
    """Return the argument that keeps a backbone from reading pre-trained weights, if it has it."""
    return {"weights": None} if "weights" in inspect.signature(backbone).parameters else {}


def save_network(
    folder: str | Path,
    config: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    max_bytes: int = MAX_FILE_BYTES,
) -> list[Path]:
    """Write a model folder: ``config.json`` and float16 safetensors of limited size.

    Returns:
        The files of weights.

    Raises:
        CheckpointError: a weight is not finite in float16; nothing is written.
    """
    folder = Path(folder)
    half = {
        name: value.half() if value.is_floating_point() else value
        for name, value in weights.items()
    }
    wrong = [name for name, value in half.items() if not bool(value.isfinite().all())]
    if wrong:
        raise CheckpointError(
            f"{folder} is not written: {len(wrong)} weights are not finite in float16, first of "
            f"them {wrong[0]}. Train again, from an earlier checkpoint for example."
        )
    shards: list[dict[str, Tensor]] = [{}]
    room = max_bytes - 65_536
    for name, value in half.items():
        size = value.numel() * value.element_size()
        if size > room and shards[-1]:
            shards.append({})
            room = max_bytes - 65_536
        shards[-1][name] = value
        room -= size
    paths = []
    for number, shard in enumerate(shards, 1):
        paths.append(folder / f"model-{number:02d}-of-{len(shards):02d}.safetensors")
        write_weights(paths[-1], shard)
    for old in set(folder.glob("model-*.safetensors")) - set(paths):
        old.unlink()
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")
    return paths


def read_trained(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the network's description and weights from a ``.ckpt`` of ``vl-track fit``.

    Where the run kept an average of the weights, it is the average.

    Raises:
        CheckpointError: another program wrote it.
    """
    checkpoint = read_checkpoint(path)
    text = checkpoint.get("holdfast_config")
    model = json.loads(text).get("model") if isinstance(text, str) else None
    network = (model or {}).get("network")
    if not isinstance(network, dict):
        raise CheckpointError(
            f"{path} was not written by `vl-track fit`: it does not say which network it holds."
        )
    network = network.get("init_args", network)
    if CONVENTIONS_KEY in checkpoint:
        network = {**network, "tracker": checkpoint[CONVENTIONS_KEY]}
    state = checkpoint.get("average_model_state", checkpoint["state_dict"])
    mine = {
        name.removeprefix("network."): value
        for name, value in state.items()
        if name.startswith("network.")
    }
    return network, mine


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model folder's description and weights.

    Raises:
        CheckpointError: no whole model folder.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{folder} has no readable config.json ({error}).") from error
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise CheckpointError(f"{folder} holds no safetensors: it is not a whole model folder.")
    weights: dict[str, Tensor] = {}
    for shard in shards:
        weights |= read_weights(shard)
    return config, weights


def size_in_megabytes(weights: Mapping[str, Tensor]) -> float:
    """Return what weights take on disk, those that are no whole numbers in float16."""
    sizes = (
        one.numel() * (2 if one.is_floating_point() else one.element_size())
        for one in weights.values()
    )
    return sum(sizes) / 1e6
