"""The page of one file: its scripts compute what Python does (run by Node), its parts are whole.

The page itself is tried in Chromium by test_web_browser.py.
"""

import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.errors import ConfigError, DataError
from scenes_support import tiny_config, tiny_network
from tracking_support import FindsRed
from vl_track.app import APP
from vl_track.data import geometry
from vl_track.data.geometry import Window
from vl_track.data.video import crop_frame
from vl_track.finding import Found
from vl_track.graphs.description import Description
from vl_track.graphs.network import GraphNetwork
from vl_track.graphs.writing import keep_graph
from vl_track.loading import build_network, save_network
from vl_track.nn.text import TokenText, WordPieceText
from vl_track.nn.text.piece_tokens import WordPieceTokenizer
from vl_track.nn.text.tokenizers import SILENT, WordTokenizer, clean, packaged_text, split_words
from vl_track.nn.text.vocabulary import Vocabulary
from vl_track.packaged import packaged
from vl_track.tracking.judge import Judge
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.tracker import Tracker, check_box
from vl_track.tracking.watch import Watch
from vl_track.web import runtime as web
from vl_track.web.graphs import whole_graph, words_graph
from vl_track.web.runtime import WebRuntime, web_runtime
from vl_track.web.writing import facts_of, write_page

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
STATIC = Path(str(files("vl_track.web"))) / "static"
SENTENCES = [
    "the red cup", "The  RED. cup.", "", " . ", "a man's face, left of the 2nd car",
    "unbelievably", "café crème", "der große Fußball", "İstanbul IŞIK", "naïve e\u0301tude",
    "赤い コップ", "हिन्दी", "привет мир", "emoji \U0001f697\U0001f699, \U0001f469\u200d\U0001f467",
    "x2 3d 12th", "snow-white don't", "①②½ ٣٤ Ⅷ", "zzzzqqqq qx", "a" * 41,
    "antidisestablishmentarianism", "e\u0301\u0301x \u0301y", "°C €5 ±", " ".join(["red"] * 45),
    "\u0307dot i\u0307s", "Ωmega ΣΑΣ", "\U0001f3f4\u0301flag", "hotdog ice-cream skateboarder",
    "ﬁre ﬂag",
]  # fmt: skip


def in_node(program: str, given: object) -> Any:
    """Run a program after the page's scripts; ``given`` is JSON, and so is what it returns."""
    names = ("words.js", "windows.js", "presence.js", "tracker.js")
    scripts = "\n".join((STATIC / name).read_text() for name in names)
    whole = (
        f"{scripts}\nimport fs from 'node:fs';\n"
        "const given = JSON.parse(fs.readFileSync(0, 'utf8'));\n"
        f"const answer = await (async () => {{ {program} }})();\n"
        "console.log(JSON.stringify(answer));"
    )
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", whole],
        input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)


class Words(Vocabulary):
    """A tokenizer with a longest sentence, as text encoders are."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.max_tokens = tokenizer, 40


def random_sentences(count: int) -> list[str]:
    """Words of the vocabularies, of other alphabets, and characters of all kinds, mixed."""
    generator = np.random.default_rng(0)
    ranges = [(0x20, 0x17F), (0x300, 0x36F), (0x370, 0x52F), (0x900, 0x97F), (0x1F300, 0x1F5FF)]
    known = [*packaged_text("scenes_words.txt").split(), *packaged_text("word_pieces.txt").split()]

    def word() -> str:
        if generator.random() < 0.5:
            return str(known[generator.integers(len(known))])
        low, high = ranges[generator.integers(len(ranges))]
        return "".join(
            chr(code) for code in generator.integers(low, high, generator.integers(1, 7))
        )

    return [" ".join(word() for _ in range(generator.integers(1, 6))) for _ in range(count)]


@needs_node
@pytest.mark.parametrize("kind", ["words", "pieces"])
def test_the_page_reads_sentences_as_python_does(kind: str) -> None:
    tokenizer = (
        WordTokenizer(packaged_text("scenes_words.txt").split())
        if kind == "words"
        else WordPieceTokenizer()
    )
    words = tokenizer.words if isinstance(tokenizer, WordTokenizer) else list(tokenizer.vocabulary)
    sentences = SENTENCES + random_sentences(400)
    found = in_node(
        """
        const tokenizer = tokenizerOf(given.text);
        return given.sentences.map((one) => ({
          split: splitWords(one), ids: tokenizer.ids(one), said: isSaid(one),
          remarks: remarksOn(one, tokenizer, 40),
          unknown: tokenizer.describing(one).filter((word) => !tokenizer.knows(word)),
        }));
        """,
        {"text": {"kind": kind, "words": words, "silent": sorted(SILENT)}, "sentences": sentences},
    )
    vocabulary = Words(tokenizer)
    for sentence, one in zip(sentences, found, strict=True):
        cleaned = clean(sentence)
        assert one["split"] == split_words(sentence), sentence
        assert one["ids"] == tokenizer.ids(cleaned), sentence
        assert one["unknown"] == tokenizer.unknown(cleaned), sentence
        assert one["said"] == bool(cleaned), sentence
        notes = [f"{note[0].upper()}{note[1:]}." for note in vocabulary.remarks(sentence)]
        assert one["remarks"] == " ".join(notes), sentence


@needs_node
def test_the_page_cuts_the_windows_that_python_cuts() -> None:
    generator = np.random.default_rng(1)
    boxes = np.round(generator.uniform(-20, 90, (300, 4)) * 2) / 2  # halves, where rounding differs
    boxes[:, 2:] = np.abs(boxes[:, 2:]) + 0.5
    found = in_node(
        """
        return given.map((box) => ({
          around: windowAround(box, 4, 10), small: windowAround(box, 2, 1),
          clipped: clipBox(box, 64, 48, 10, 3), cut: cutToFrame(box, 64, 48),
          into: intoWindow(box, windowAround(box, 2, 10)),
          out: outOfWindow([0.4, 0.6, 0.2, 0.3], windowAround(box, 4, 10)),
          exact: aroundExactly(box, 33), whole: windowOfFrame(63, 48),
        }));
        """,
        boxes.tolist(),
    )
    frame = np.zeros((48, 64, 3), np.uint8)
    for row, one in zip(boxes, found, strict=True):
        box = geometry.as_box(row)
        around = geometry.window_around(box, 4, 10)
        assert one["around"] == list(around)
        assert one["small"] == list(geometry.window_around(box, 2, 1))
        assert one["clipped"] == list(geometry.clip_box(box, (64, 48), 10, 3))
        into = geometry.into_window(box, geometry.window_around(box, 2, 10))
        np.testing.assert_allclose(one["into"], into, atol=1e-9)
        back = geometry.out_of_window((0.4, 0.6, 0.2, 0.3), around)
        np.testing.assert_allclose(one["out"], back, atol=1e-9)
        assert one["exact"] == list(geometry.around_exactly(box, 33))
        assert one["whole"] == list(geometry.window_of_frame((63, 48)))
        if box[0] < 64 and box[1] < 48 and box[0] + box[2] > 0 and box[1] + box[3] > 0:
            assert one["cut"] == list(check_box(box, frame))


@needs_node
def test_the_pages_crops_differ_from_pythons_by_one_level_at_most() -> None:
    generator = np.random.default_rng(2)
    frame = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    rgba = np.concatenate([frame, np.full((48, 64, 1), 255, np.uint8)], axis=2)
    windows = [
        (-10, -7, 41),
        (20, 10, 17),
        (5, 5, 1),
        (60, 40, 30),
        (100, 0, 12),
        (3, 4, 32),
        (-8, -16, 80),
    ]
    found = in_node(
        """
        const frame = { data: given.data, width: 64, height: 48 };
        return given.windows.map((window) => [...crop(frame, window, 32)]);
        """,
        {"data": rgba.ravel().tolist(), "windows": windows},
    )
    worst = []
    for window, values in zip(windows, found, strict=True):
        wanted = crop_frame(frame, Window(*window), 32).transpose(2, 0, 1).astype(int)
        worst.append(np.abs(wanted - np.reshape(values, (3, 32, 32))).max())
    assert max(worst) <= 1


@needs_node
@pytest.mark.parametrize("head", [False, True])
def test_the_page_tells_presence_as_python_does(head: bool) -> None:
    judge = Judge.read(packaged())
    assert judge is not None
    generator = np.random.default_rng(3)
    fading = np.concatenate([np.full(15, 0.9), np.full(25, 0.08), np.full(20, 0.9)])
    scores = np.clip(fading + generator.normal(0, 0.05, 60), 0.001, 0.999).astype(np.float32)
    cells = generator.uniform(0, 0.05, (60, 9, 3)).astype(np.float32)
    cells[:, 4, 0] = scores
    cells[:, 4, 1] = scores - 0.1
    presence = generator.uniform(0, 1, 60).astype(np.float32) if head else None
    watch, wanted = Watch(judge, 0.05), []
    crop = np.zeros((224, 224, 3), np.uint8)
    watch.start(given=True)
    for number in range(60):
        watch.look(Found(np.zeros((60, 4), np.float32), scores, presence, cells), number, crop)
        wanted.append((watch.present, watch.rings))
    rows = [
        {"score": {"data": [float(scores[k])]},
         "presence": None if presence is None else {"data": [float(presence[k])]},
         "cells": {"data": cells[k].ravel().tolist(), "dims": [1, 9, 3]}} for k in range(60)
    ]  # fmt: skip
    asked = {"weights": judge.weights, "bias": judge.bias, "expected": judge.expected}
    found = in_node(
        """
        const watch = new Watch(given.judge, true);
        return given.rows.map((row) => { watch.look(row); return [watch.present, watch.lost]; });
        """,
        {"judge": {**asked, "limit": judge.threshold(0.05)}, "rows": rows},
    )
    np.testing.assert_allclose([row[0] for row in found], [row[0] for row in wanted], atol=1e-9)
    assert [row[1] for row in found] == [row[1] for row in wanted]
    assert any(row[1] for row in wanted), "the alarm has to ring for this to say anything"


def test_the_pages_options_are_the_defaults_of_the_tracker() -> None:
    """The scripts know no others: change them with the defaults, or refuse them there."""
    options = TrackerOptions()
    assert options.hann
    assert options.window_weight == 1
    assert options.size_memory == options.update_interval == 0
    assert options.flow is None, "the page does not refine boxes, and its document says so"
    assert options.redetect == "after_alarm", "the page tells a loss, and does not search"
    assert options.grounding_scales == (1.0,)
    graph = Description.read(packaged())
    assert facts_of(packaged(), graph, None)["closer_looks"] == options.closer_looks


class Fixed(FindsRed):
    """Finds the same part of every crop: centre x, centre y, width, height."""

    part = (0.375, 0.625, 0.1875, 0.125)

    def find(self, templates: Any, searches: Any, *rest: Any, **more: Any) -> Found:
        """Return the part of every crop."""
        self.asked.append(searches)
        boxes = np.tile(np.float32(self.part), (len(searches), 1))
        return Found(boxes, np.full(len(searches), 0.7, np.float32))


@needs_node
@pytest.mark.parametrize("part", [(0.375, 0.625, 0.1875, 0.125), (0.375, 0.625, 0.5, 0.375)])
@pytest.mark.parametrize("looks", [0, 1, 2, 5])
def test_the_page_looks_closer_as_python_does(looks: int, part: tuple[float, ...]) -> None:
    """At what a sentence found, unless the window would be as large as the frame."""
    network, size = Fixed(), (640, 360)
    network.part = part
    tracker = Tracker(network, TrackerOptions(closer_looks=looks))
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    start = tracker.initialize(frame, text="the red dot")
    facts = {
        "template_size": network.template_size, "search_size": network.search_size,
        "search_grid": network.search_grid, "template_factor": network.template_factor,
        "search_factor": network.search_factor, "margin": TrackerOptions().margin,
        "conventions": network.conventions._asdict(), "closer_looks": looks, "judge": None,
        "prior": [1.0] * network.search_grid**2,
    }  # fmt: skip
    found = in_node(
        """
        const network = { facts: given.facts, asked: 0, read: async () => null, find: async () => {
          network.asked += 1;
          return { box: { data: given.part }, score: { data: [0.7] } };
        } };
        const [width, height] = given.size;
        const frame = { width, height, data: new Uint8ClampedArray(4 * width * height) };
        const start = await new Tracker(network).initialize(frame, null, "the red dot");
        return { asked: network.asked, ...start };
        """,
        {"facts": facts, "size": size, "part": part},
    )
    assert found["asked"] == len(network.asked)
    assert found["box"] == pytest.approx(start.box, abs=1e-4)
    assert found["score"] == pytest.approx(start.score)
    assert (len(network.asked) > 1) == (looks > 0 and part[2] < 0.5)


def test_the_whole_graph_needs_no_other_file() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    folder = packaged()
    description = Description.read(folder)
    beside = GraphNetwork(folder, "onnx", description=description)
    generator = np.random.default_rng(4)
    size = description.search_size
    given: dict[str, Any] = {
        "template": generator.integers(0, 256, (1, 3, 112, 112), dtype=np.uint8),
        "search": generator.integers(0, 256, (1, 3, size, size), dtype=np.uint8),
        "text": beside.read("the red cup").vectors,
        "present": np.array([True]),
        "target": np.float32([[0.25, 0.25, 0.5, 0.5]]),
        "prior": np.ones((16, 16), np.float32),
    }
    session = onnxruntime.InferenceSession(
        whole_graph(folder)
    )  # bytes: it has no folder to look in
    known = {one.name for one in session.get_inputs()}
    found = session.run(None, {name: value for name, value in given.items() if name in known})
    for ours, theirs in zip(beside.answers(given), found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", ["words", "pieces"])
def test_the_graph_of_the_words_gives_the_sentences_vector(kind: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    text = TokenText("scenes", 16) if kind == "words" else WordPieceText(16)
    for parameter in text.parameters():  # of which some start at zero
        torch.nn.init.normal_(parameter, std=0.2)
    session = onnxruntime.InferenceSession(words_graph(text))
    for sentence in ("the red ball on the left", "red", " ".join(["small blue car"] * 13)):
        ids = text.ids(clean(sentence))
        filled = np.zeros((1, 40), np.int64)
        filled[0, : len(ids)] = ids
        there = np.arange(40)[None] < len(ids)
        (vector,) = session.run(None, {"ids": filled, "there": there})
        with torch.no_grad():
            np.testing.assert_allclose(vector, text([sentence]).vector_BC.numpy(), atol=1e-5)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A tiny network's graph."""
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    torch.manual_seed(0)
    network = tiny_network().eval()
    folder = tmp_path_factory.mktemp("graph") / "one"
    keep_graph(network, folder)
    return folder, network


def test_one_file_holds_everything_and_may_send_nothing(
    graph: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, network = graph
    page = tmp_path / "tracker.html"
    runtime = WebRuntime(b"export const here = 1;", b"wasm" * 1000)
    write_page(page, folder, Description.read(folder), runtime, network.text, None)
    text = page.read_text()
    assert "src=" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'" in text
    assert "connect-src" not in text, "so that nothing can be sent"
    for part in ("runtime", "binary", "network", "words"):
        assert text.count(f'id="part-{part}"') == 1
    assert text.count("</script>") == 6


def test_what_a_page_cannot_compute_is_refused(graph: tuple[Path, Any]) -> None:
    folder, _ = graph
    known = Description.read(folder)
    with pytest.raises(ConfigError, match="needs PyTorch"):
        facts_of(folder, replace(known, text=None), None)
    judge = Judge.read(packaged())
    assert judge is not None
    judge.weights["entropy_now"] = 1.0
    with pytest.raises(ConfigError, match="does not know the features"):
        facts_of(folder, known, judge)
    silent = facts_of(folder, replace(known, text={"kind": "none"}), None)
    assert silent["text"] is None
    assert silent["silence"] == {"vector": [0.0], "present": 0}


def test_another_file_in_the_place_of_the_runtime_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / f"{web.PACKAGE}-{web.VERSION}.tgz"
    with tarfile.open(made, "w:gz"):
        pass

    def no_answer(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(words, 1, "", "not reachable")

    monkeypatch.setattr("holdfast.data.npm_packages.find_npm", lambda: no_answer)
    with pytest.raises(DataError, match=r"could not fetch onnxruntime-web .* tarball at"):
        web_runtime(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--formats", "[web,onnx]", "--out", "a.html"], "several outputs: name a folder"),
        (["--formats", "web", "--out", "there.html"], "exists: give --overwrite"),
    ],
)
def test_the_command_refuses_before_any_work(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.html").write_text("mine")
    monkeypatch.setattr("vl_track.commands.export.web_runtime", lambda _: pytest.fail("fetched"))
    assert APP.main(["export", *words]) != 0
    assert said in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "there.html").read_text() == "mine"


@pytest.mark.parametrize("formats", ["web", "[onnx,web]"])
@pytest.mark.parametrize("given", ["--ckpt", "--weights"])
def test_a_text_encoder_that_no_page_computes_is_refused_before_anything_is_written(
    given: str, formats: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The model's folder, and the other formats, used to be written first."""
    config = tiny_config()
    config["text"] = {
        "class_path": "vl_track.nn.text.TokenText",
        "init_args": {"vocabulary": "clip", "num_features": 16},
    }
    weights = build_network(config, "test").state_dict()
    model, out = tmp_path / "model", tmp_path / "out"
    if given == "--ckpt":
        model = tmp_path / "last.ckpt"
        state = {f"network.{name}": value for name, value in weights.items()}
        text = json.dumps({"model": {"network": config}})
        torch.save({"state_dict": state, "holdfast_config": text}, model)
    else:
        save_network(model, config, weights)
    monkeypatch.setattr("vl_track.commands.export.web_runtime", lambda _: pytest.fail("fetched"))
    words = ["export", given, str(model), "--formats", formats, "--out", str(out)]
    assert APP.main(words) != 0
    assert "needs PyTorch, so a page cannot compute it" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()
