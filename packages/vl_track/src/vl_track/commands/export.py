"""``vl-track export``: a trained tracker as a small model folder, and for other runtimes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from torch import nn

from holdfast.checkpoints.reading import check_same_architecture
from holdfast.errors import CheckpointError, ConfigError, MissingToolError
from holdfast.exporting import FORMATS, Format, check_tools, written_line
from holdfast.outputs import check_files
from vl_track.averaging import Model
from vl_track.commands.trusted import own_classes
from vl_track.exporting import write_step
from vl_track.graphs.description import FILE, GRAPH
from vl_track.graphs.writing import description_of, write_graph
from vl_track.loading import (
    build_network,
    load_network,
    read_trained,
    save_network,
    size_in_megabytes,
    untrained_network,
)
from vl_track.opening import settle
from vl_track.packaged import packaged
from vl_track.tracking.judge import judge_in
from vl_track.web.runtime import WebRuntime, web_runtime
from vl_track.web.writing import checked_text, write_page

Choice = Format | Literal["web"]
PAGE = "tracker.html"


def export(
    *,
    out: str,
    ckpt: str | None = None,
    weights: str | None = None,
    formats: list[Choice] = [],  # noqa: B006
    sentences: list[str] = [],  # noqa: B006
    dynamic_batch: bool = False,
    runtime_folder: str | None = None,
    classes: list[str] = [],  # noqa: B006
    overwrite: bool = False,
) -> None:
    """Write ``config.json`` and float16 safetensors of at most 16 MB each for ``--weights``.

    ``network.onnx`` and ``network.json`` beside them let the model track without importing torch.

    Alignment's projections and the optimiser stay behind. Where the run kept an average of the
    weights, the average is written.

    Args:
        out: the folder to write; for ``web`` alone it may be a file that ends in ``.html``.
        ckpt: written by ``vl-track fit``, or a folder of runs that holds one run; without one, no
            safetensors are written, and ``formats`` are made of ``weights``.
        weights: a model folder; by default the model that comes with the package.
        formats: also write one tracking step as ``onnx``, ``pt2`` (torch.export) or ``aoti``
            (AOTInductor), each only if its answers are PyTorch's; or ``web``, one HTML file that
            tracks in a browser and sends nothing.
        sentences: encoded into ``tracker.json`` for the formats of one step.
        dynamic_batch: let those formats take any number of crops at once.
        runtime_folder: where the tarball of the npm package onnxruntime-web, which ``web`` needs,
            lies or is put; by default it is fetched once into the cache.
        classes: heads, text encoders and backbones of your own that the model has, as
            ``module.Class``.
        overwrite: replace outputs that exist. An input is never replaced.
    """
    own = own_classes(classes)
    if ckpt is None and not formats:
        raise ConfigError("There is nothing to write: give --ckpt, --formats, or both.")
    if ckpt is not None and weights is not None:
        raise ConfigError("Give --ckpt or --weights, not both: each is a model.")
    ckpt = None if ckpt is None else find_checkpoint(ckpt)
    steps: list[Format] = [one for one in formats if one != "web"]
    check_tools(["onnx", *steps] if "web" in formats else steps)
    page = _page(out, alone=ckpt is None and not steps) if "web" in formats else None
    outputs = [*_outputs(Path(out), ckpt, steps), *([page] if page else [])]
    check_files(outputs, [ckpt] if ckpt else [], overwrite=overwrite)
    if weights is not None and Path(weights).resolve() == Path(out).resolve():
        raise ConfigError(f"{out} is an input: write to another folder.")
    if page:
        checked_text(description_of(untrained_network(weights if ckpt is None else ckpt, own).text))
    runtime = web_runtime(runtime_folder) if page else None
    if ckpt is not None:
        write_folder(ckpt, out, own)
    source = out if ckpt is not None else weights
    if steps:
        made = write_step(
            load_network(source, own), out, steps, sentences=sentences, dynamic_batch=dynamic_batch
        )
        for path, difference in made:
            sys.stdout.write(written_line(path, difference))
        sys.stdout.write(f"{Path(out) / 'tracker.json'}: sizes, factors, sentences\n")
    if page and runtime:
        _write_page(page, source, own, runtime)


def _page(out: str, *, alone: bool) -> Path:
    """Return the HTML file to write.

    Raises:
        ConfigError: a file is named where other things are written too.
    """
    path = Path(out).expanduser()
    if path.suffix.lower() != ".html":
        return path / PAGE
    if not alone:
        raise ConfigError(f"{out} is a file, and there are several outputs: name a folder.")
    return path


def _write_page(
    page: Path, source: str | None, classes: Sequence[type[nn.Module]], runtime: WebRuntime
) -> None:
    graph = settle(source, device="cpu", runtime="onnx", classes=classes).graph
    assert graph is not None  # asked for, so it is there or an error was raised
    folder = packaged() if source is None else Path(source)
    write_page(page, *graph, runtime, load_network(source, classes).text, judge_in(folder))
    sys.stdout.write(f"{page}: {page.stat().st_size / 1e6:.1f} MB; open it in a browser\n")


def find_checkpoint(place: str) -> str:
    """Return a checkpoint itself, or the last one of the only run in a folder.

    Raises:
        ConfigError: the folder holds no run, or several: which one is meant is never guessed.
    """
    folder = Path(place).expanduser()
    if not folder.is_dir():
        return place
    found = sorted(folder.glob("*/checkpoints/last.ckpt"))
    if not found:
        raise ConfigError(f"{folder} holds no run with a checkpoint: train first, or name a file.")
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise ConfigError(f"{folder} holds {len(found)} runs: give one checkpoint of {names}.")
    return str(found[0])


def _outputs(folder: Path, ckpt: str | None, formats: Sequence[Format]) -> list[Path]:
    """Return the files that will be written; older weights in the folder count as outputs."""
    files = [folder / f"tracker{FORMATS[kind]}" for kind in formats]
    if formats:
        files.append(folder / "tracker.json")
    if ckpt is not None:
        files += [folder / name for name in ("config.json", FILE, GRAPH)]
        files += sorted(folder.glob("model-*.safetensors"))
    return files


def write_folder(
    ckpt: str, out: str, classes: Sequence[type[nn.Module]] = (), *, graph: bool = True
) -> None:
    """Write a checkpoint's network as a model folder.

    Args:
        ckpt: written by ``vl-track fit``.
        out: the folder.
        classes: of the user's own.
        graph: also write ``network.onnx``, where the exporter of torch is installed.
    """
    config, weights = read_trained(ckpt)
    options = config["backbone"].get("init_args") or {}
    if "weights" in options:  # the files hold every weight
        options["weights"] = None
    write_model((config, weights), Path(out), classes, source=ckpt, graph=graph)


def write_model(
    model: Model,
    out: Path,
    classes: Sequence[type[nn.Module]] = (),
    *,
    source: str,
    graph: bool = True,
) -> None:
    """Write a description and weights as a model folder; see :func:`write_folder`.

    Args:
        model: both.
        out: the folder.
        classes: of the user's own.
        source: where they came from, for messages.
        graph: also write the graph.

    Raises:
        CheckpointError: the weights are not those of the network described; nothing is written.
    """
    config, weights = model
    network = build_network(config, source, classes)
    check_same_architecture(weights, network.state_dict(), source=source)
    for name in (FILE, GRAPH):  # of older weights
        (out / name).unlink(missing_ok=True)
    files = save_network(out, config, weights)
    sys.stdout.write(
        f"Exported {size_in_megabytes(weights):.1f} MB in {len(files)} file(s) to {out}: use it "
        f"with --weights {out}\n"
    )
    if graph:
        _add_graph(out, classes)


def _add_graph(folder: Path, classes: Sequence[type[nn.Module]]) -> None:
    """Write a model folder's graph, or say why not; the folder is whole without it."""
    try:
        write_graph(load_network(folder, classes), folder, ["config.json"])
    except (MissingToolError, CheckpointError) as error:
        sys.stderr.write(f"note: {folder} has no graph, so it starts slower: {error}\n")
        return
    sys.stdout.write(f"{folder / GRAPH}: tracks without importing torch\n")
