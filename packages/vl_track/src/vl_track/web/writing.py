"""The page: its parts put together into one file."""

import base64
import gzip
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from holdfast.atomic import write_text
from holdfast.errors import CheckpointError, ConfigError
from vl_track.graphs.description import Description
from vl_track.graphs.words import words_of
from vl_track.nn.text import TokenText, WordPieceText
from vl_track.nn.text.piece_tokens import WordPieceTokenizer
from vl_track.nn.text.tokenizers import SILENT
from vl_track.tracking.judge import Judge, can_keep
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.window import hann_window
from vl_track.web.graphs import whole_graph, words_graph
from vl_track.web.runtime import WebRuntime

if TYPE_CHECKING:
    from vl_track.nn.text.base import TextEncoder

SCRIPTS = ("words.js", "windows.js", "presence.js", "tracker.js", "frames.js", "page.js")
FEATURES = {"score_now", "template_now", "score_smoothed", "template_smoothed"}
"""What ``presence.js`` knows to judge by."""


def write_page(
    file: Path,
    folder: Path,
    description: Description,
    runtime: WebRuntime,
    text: "TextEncoder",
    judge: Judge | None,
) -> None:
    """Write one HTML file that tracks without a server.

    Args:
        file: to write.
        folder: with the graph and its weights.
        description: of the graph.
        runtime: that computes it.
        text: the network's text encoder.
        judge: of presence; ``None`` where the model has none.

    Raises:
        ConfigError: the page cannot compute this text encoder, or this judge's features.
        CheckpointError: a file of weights is damaged.
    """
    facts = facts_of(folder, description, judge)
    parts = {
        "runtime": runtime.script, "binary": runtime.binary, "network": whole_graph(folder)
    }  # fmt: skip
    if isinstance(text, TokenText | WordPieceText):
        parts["words"] = words_graph(text)
    stage = files("vl_track.page") / "static"
    page = _templates().get_template("index.html.j2").render(
        style=_joined(
            files("holdfast.serving") / "static" / "base.css", stage / "stage.css",
            _static("page.css"),
        ),
        script=_joined(stage / "stage.js", *map(_static, SCRIPTS)),
        facts=Markup(json.dumps(facts).replace("<", "\\u003c")),  # noqa: S704  (no tag in it)
        parts=[(name, *_packed(content)) for name, content in parts.items()],
    )  # fmt: skip
    write_text(file, page)


def facts_of(folder: Path, description: Description, judge: Judge | None) -> dict[str, Any]:
    """Return what the page's scripts have to know beside the graphs; see :func:`write_page`."""
    text = checked_text(description.text)
    silence = words_of(folder, text).read("")
    return {
        "template_size": description.template_size,
        "search_size": description.search_size,
        "search_grid": description.search_grid,
        "template_factor": description.template_factor,
        "search_factor": description.search_factor,
        "conventions": description.conventions._asdict(),
        "margin": TrackerOptions().margin,
        "closer_looks": TrackerOptions().closer_looks,
        "prior": hann_window(description.search_grid).ravel().tolist(),
        "silence": {"vector": silence.vectors[0].tolist(), "present": int(silence.present[0])},
        "text": _tokens(text),
        "judge": None if judge is None else _judged(judge),
    }


def checked_text(described: dict[str, Any] | None) -> dict[str, Any]:
    """Return what :func:`vl_track.graphs.writing.description_of` gives of a text encoder.

    Raises:
        ConfigError: a page cannot compute this text encoder.
    """
    if described is None:
        raise ConfigError(
            "The text encoder of this model needs PyTorch, so a page cannot compute it: export a "
            "model with TokenText, WordPieceText or NoText."
        )
    return described


def _tokens(text: dict[str, Any]) -> dict[str, Any] | None:
    """Return the words that the page's tokenizer knows; ``None`` without language."""
    common = {"silent": sorted(SILENT), "max_tokens": text.get("max_tokens")}
    if text["kind"] == "words":
        return {"kind": "words", "words": text["words"], **common}
    if text["kind"] == "pieces":
        return {"kind": "pieces", "words": list(WordPieceTokenizer().vocabulary), **common}
    return None


def _judged(judge: Judge) -> dict[str, Any]:
    if set(judge.weights) != FEATURES:
        raise ConfigError("The page does not know the features that this presence.json judges by.")
    alarm = TrackerOptions().alarm
    return {
        "weights": judge.weights,
        "bias": judge.bias,
        "expected": judge.expected,
        "limit": judge.threshold(alarm) if can_keep(alarm, len(judge.worst)) else None,
    }


def _packed(content: bytes) -> tuple[str, str]:
    """Return how a part is packed, and its text: gzip only where it saves a tenth."""
    smaller = gzip.compress(content, 9, mtime=0)
    if len(smaller) < 0.9 * len(content):
        return "gzip", base64.b64encode(smaller).decode()
    return "", base64.b64encode(content).decode()


def _templates() -> Environment:
    return Environment(loader=PackageLoader("vl_track.web", "static"), autoescape=True)


def _static(name: str) -> Any:  # noqa: ANN401  (a Traversable, whose module moved in Python 3.14)
    return files("vl_track.web") / "static" / name


def _joined(*places: Any) -> Markup:  # noqa: ANN401
    """Return files one after the other; a page has them as a whole."""
    text = "\n".join(place.read_text(encoding="utf-8") for place in places)
    if "</s" in text:
        raise CheckpointError("A file of the page would end the element that it is put into.")
    return Markup(text)  # noqa: S704  (our own files)
