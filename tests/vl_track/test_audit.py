"""`vl-track audit`: the right sentence against none and wrong ones, for anyone's tracker."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import REPOSITORY
from holdfast.errors import ConfigError, DataError
from scenes_support import small_world, tiny_config, tiny_network
from tracking_support import frame_with, moving_box
from vl_track.app import APP
from vl_track.data.prompts import PromptKind
from vl_track.loading import save_network
from vl_track.scenes.make import make_scene
from vl_track.scenes.scene import Scene
from vl_track.scoring.audit import Finding, findings, sentence_of, verdict
from vl_track.scoring.audit_record import AuditRecord, Keeper
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.foreign import ClassTracker, TrackerFailedError, TraxTracker
from vl_track.scoring.language import ablate, swapped_sentence
from vl_track.scoring.runs import SequenceResult
from vl_track.scoring.uncertainty import compare
from vl_track.tracking import Estimate
from vl_track.video.frames import Box, Image

OWN = '''
class Still:
    """Says its first box for ever, and hears nothing."""

    def init(self, image, box, text):
        self.box = box

    def update(self, image):
        return self.box


class Broken(Still):
    def update(self, image):
        return 1, 2, 3


class Sometimes(Still):
    """Breaks off in the third video, after that video's first condition."""

    starts = 0

    def init(self, image, box, text):
        Sometimes.starts += 1
        self.box, self.number = box, Sometimes.starts

    def update(self, image):
        if self.number == 10:
            raise RuntimeError("out of memory")
        return self.box


class Counted(Still):
    """Counts its starts; the user presses Ctrl-C at one of them."""

    starts, stop = 0, 0

    def init(self, image, box, text):
        Counted.starts += 1
        if Counted.starts == Counted.stop:
            raise KeyboardInterrupt
        self.box = box


class Leaves(Still):
    def update(self, image):
        raise SystemExit(3)


class Nothing:
    pass
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "someones_tracker.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("someones_tracker", None)
    return "someones_tracker"


def test_words_of_place_and_size_are_turned_round() -> None:
    assert swapped_sentence("the LARGE cup on the left") == "the small cup on the right"
    assert swapped_sentence("the dog above the top shelf") == "the dog below the bottom shelf"
    assert swapped_sentence("the leftover cup") is None, "whole words only"
    assert swapped_sentence("") is None
    for sentence in ("the small cup left of the box", "the bigger one at the top"):
        turned = swapped_sentence(sentence)
        assert turned is not None
        assert turned != sentence
        assert swapped_sentence(turned) == sentence


class Listener:
    """Finds the target if the sentence is the right one, or the right one turned round."""

    def __init__(self, scenes: list[Scene], *, careless: bool) -> None:
        self.scenes, self.careless = scenes, careless
        self.scene: Scene | None = None
        self.time = 0

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        self.time = 0
        known = {scene.sentence: scene for scene in self.scenes}
        turned = {swapped_sentence(scene.sentence): scene for scene in self.scenes}
        self.scene = known.get(text) or (turned.get(text) if self.careless else None)
        return Estimate(box or (0, 0, 1, 1), 1.0)

    def track(self, image: Image) -> Estimate:
        self.time += 1
        return Estimate(self.scene.box(self.time) if self.scene else (0.0, 0.0, 1.0, 1.0), 1.0)


@pytest.mark.parametrize("careless", [False, True])
def test_a_tracker_that_hears_no_relation_is_told_apart(careless: bool, root: Path) -> None:
    world = small_world(root, "test", frames=8)
    every = (make_scene(world, seed, "distractors") for seed in range(60))
    scenes = list({scene.sentence: scene for scene in every}.values())
    turned = [scene for scene in scenes if swapped_sentence(scene.sentence)]
    plain = [scene for scene in scenes if not swapped_sentence(scene.sentence)]
    scenes = [*turned[:6], *plain[:3]]
    found = findings(ablate(Listener(scenes, careless=careless), scenes, "box+text"), "Some")
    gains = {one.condition: one for one in found}
    assert gains["none"].sure
    assert gains["none"].videos == len(scenes)
    assert gains["swapped"].videos == len(turned[:6]), "only sentences with such a word"
    assert gains["swapped"].sure is not careless
    assert "is due to the sentence" in verdict(found)
    said = sentence_of(gains["swapped"])
    assert ("no difference is shown" in said) is careless


def test_what_was_not_compared_is_said() -> None:
    one = Finding(data="Some", prompt="box", condition="swapped", videos=0, right=0, other=0,
                  gain=None)  # fmt: skip
    assert "no sentence has a word" in sentence_of(one)
    assert verdict([one]) == "Nothing was compared."


@pytest.mark.parametrize(
    ("right", "other", "said"),
    [
        ([0.9], [0.1], "one video with an AUC of 0.900 says nothing about others"),
        ([0.9, 0.1] * 5, [0.1, 0.9] * 5, "no effect of the sentence is shown"),
        ([0.2, 0.3] * 5, [0.7, 0.9] * 5, "the sentence harms"),
    ],
)
def test_nothing_is_due_to_a_sentence_that_does_not_help(
    right: list[float], other: list[float], said: str
) -> None:
    gain = compare(np.array(right), np.array(other), samples=500)
    one = Finding(data="Some", prompt="text", condition="none", videos=len(right),
                  right=float(np.mean(right)), other=float(np.mean(other)), gain=gain)  # fmt: skip
    assert said in verdict([one])
    assert "is due to" not in verdict([one])


def test_a_tracker_that_hears_nothing_gains_nothing(
    own: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anyone's tracker, through the command, to the page."""
    page = tmp_path / "audit.html"
    words = ["audit", "--tracker", f"{own}:Still", "--root", str(root), "--emoji", "false"]
    assert APP.main([*words, "--count", "4", "--out", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "no difference is shown, +0.000 (95 % interval +0.000 to +0.000)" in shown
    html = page.read_text()
    assert f"How much of {own}:Still is language" in html
    assert html.count("<td>test-distractors-") or html.count("test-distractors-") == 4
    assert "http" not in html.replace("http://www.w3.org", ""), "the page asks nobody for anything"
    assert APP.main([*words, "--count", "4", "--out", str(page)]) == 1, "not replaced unasked"


def test_a_tracker_that_breaks_off_loses_one_video_and_not_the_audit(
    own: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error in one of 40 videos used to end the command and lose what was finished."""
    page = tmp_path / "audit.html"
    words = ["audit", "--tracker", f"{own}:Sometimes", "--root", str(root), "--emoji", "false"]
    assert APP.main([*words, "--count", "5", "--out", str(page)]) == 1, "not as if nothing were"
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines() if "box+text" in line]
    counts = {row[2]: row[3] for row in rows if row[2] in {"none", "shuffled"}}
    assert counts == {"none": "4", "shuffled": "4"}, "the same videos in every condition"
    assert "broke off on 1 of 5 videos" in " ".join(shown.err.split())
    assert "RuntimeError: out of memory" in shown.err
    html = page.read_text()
    assert "Left out" in html
    assert "out of memory" in html
    table = html[html.index("Every video") :]
    assert table.count("test-distractors-") == 4


def test_an_interrupted_audit_goes_on_where_it_was(
    own: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the last video lost every figure."""
    kind = importlib.import_module(own).Counted
    page, record = tmp_path / "audit.html", tmp_path / "audit.json"
    common = ["--root", str(root), "--emoji", "false", "--count", "2"]
    words = ["audit", "--tracker", f"{own}:Counted", *common, "--out", str(page)]
    assert APP.main([*words[:-1], str(tmp_path / "whole.html")]) == 0
    whole, total = capsys.readouterr().out, kind.starts
    kind.starts, kind.stop = 0, total - 1
    assert APP.main(words) == 130
    assert f"{record} has {total - 2} runs; --resume goes on" in capsys.readouterr().err
    assert not page.exists()
    assert sum(map(len, json.loads(record.read_text())["videos"].values())) == total - 2
    kind.stop = 0
    assert APP.main(words) == 1, "not replaced unasked"
    assert APP.main([*words, "--resume"]) == 0
    assert kind.starts == total + 1, "the two that were left"
    shown = capsys.readouterr().out
    assert shown.splitlines()[:-1] == whole.splitlines()[:-1]
    assert page.read_text().count("test-distractors-") == 2
    kind.starts = 0
    assert APP.main(["audit", "--tracker", f"{own}:Still", *common, "--out", str(page),
                     "--resume"]) == 0  # fmt: skip
    kept = json.loads(record.read_text())["videos"]
    assert APP.main([*words, "--resume"]) == 0
    assert kind.starts == total, "another tracker's figures are not taken up"
    assert {row["made"] for one in kept.values() for row in one.values()}.isdisjoint(
        row["made"]
        for one in json.loads(record.read_text())["videos"].values()
        for row in one.values()
    )


def test_a_page_that_has_no_figures_to_go_on_with_is_not_replaced(
    own: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--resume`` replaced any page of that name."""
    page = tmp_path / "audit.html"
    page.write_text("mine")
    words = ["audit", "--tracker", f"{own}:Still", "--root", str(root), "--emoji", "false"]
    assert APP.main([*words, "--count", "2", "--out", str(page), "--resume"]) == 1
    assert "give --overwrite to replace it" in capsys.readouterr().err
    assert page.read_text() == "mine"


def test_figures_of_another_prompt_stay_in_the_file(root: Path, tmp_path: Path) -> None:
    """An audit of one prompt that went on with another lost all figures of the first."""
    scene = make_scene(small_world(root, "test", frames=6), 0, "distractors")
    run = SequenceResult(name=scene.name, boxes=np.zeros((6, 4)), auc=0.5, seconds=1.0)

    def audited(maker: str, prompt: PromptKind) -> list[str]:
        """Return what the file holds after an audit of one condition."""
        record = AuditRecord(str(tmp_path / "audit.json"), PLAIN, resume=True)
        keeper = Keeper(record, "scenes", maker, [scene])
        if keeper.take_up(scene, prompt, "right", "the cup") is None:
            keeper.add(scene, prompt, "right", "the cup", run)
        record.finish()
        return sorted(json.loads((tmp_path / "audit.json").read_text())["videos"][scene.name])

    box, text = "scenes, box+text, right", "scenes, text, right"
    assert audited("m", "box+text") == [box]
    assert audited("m", "text") == [box, text]
    assert audited("m", "text") == [box, text]
    assert audited("n", "text") == [text], "the other is another model's"


def test_figures_of_a_video_that_is_drawn_otherwise_are_not_taken_up(
    root: Path, tmp_path: Path
) -> None:
    """Scenes of one name are drawn of what lies below the data root."""
    scene = make_scene(small_world(root, "test", frames=6), 0, "distractors")
    other = replace(scene, background=255 - scene.background)
    run = SequenceResult(name=scene.name, boxes=np.zeros((6, 4)), auc=0.5, seconds=1.0)
    record = AuditRecord(str(tmp_path / "audit.json"), PLAIN)
    Keeper(record, "scenes", "m", [scene]).add(scene, "text", "right", "the cup", run)
    again = AuditRecord(str(tmp_path / "audit.json"), PLAIN, resume=True)
    found = Keeper(again, "scenes", "m", [scene]).take_up(scene, "text", "right", "the cup")
    assert found is not None
    assert (found.name, found.auc, found.seconds) == (scene.name, 0.5, 1.0)
    for name, keeper, prompt, sentence in (
        ("pixels", Keeper(again, "scenes", "m", [other]), "text", "the cup"),
        ("model", Keeper(again, "scenes", "n", [scene]), "text", "the cup"),
        ("prompt", Keeper(again, "scenes", "m", [scene]), "box+text", "the cup"),
        ("sentence", Keeper(again, "scenes", "m", [scene]), "text", "the hat"),
        ("data", Keeper(again, "real_clips", "m", [scene]), "text", "the cup"),
    ):
        given = other if name == "pixels" else scene
        assert keeper.take_up(given, prompt, "right", sentence) is None, name


def test_a_failed_video_is_in_no_condition(root: Path) -> None:
    """Averages over unlike sets of videos would say nothing of the sentence."""
    world = small_world(root, "test", frames=6)
    scenes = [make_scene(world, seed, "distractors") for seed in range(4)]

    class Deaf(Listener):
        def track(self, image: Image) -> Estimate:
            if self.scene is self.scenes[1]:
                raise TrackerFailedError("it broke off")
            return super().track(image)

    done = ablate(Deaf(scenes, careless=True), scenes, "box+text")
    failed = [(one.name, one.condition) for one in done.failed]
    assert failed == [(scenes[0].name, "shuffled"), (scenes[1].name, "right")]
    for condition in ("right", "none", "shuffled"):
        names = [run.name for run in done.runs[condition]]
        assert names == [scenes[2].name, scenes[3].name], condition


def test_our_own_model_is_audited(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_network(tmp_path / "mine", tiny_config(), tiny_network().state_dict())
    words = ["audit", "--weights", str(tmp_path / "mine"), "--root", str(root), "--emoji", "false"]
    assert (
        APP.main([*words, "--count", "2", "--device", "cpu", "--prompts", "[box+text,text]"]) == 0
    )
    shown = capsys.readouterr().out
    assert "box+text" in shown
    assert "shuffled" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tracker", "{own}:Nothing"], "needs the methods init"),
        (["--tracker", "{own}:Missing"], "There is no class"),
        (["--tracker", "nowhere:Tracker"], "There is no class"),
        (["--tracker", "{own}:Still", "--trax", "x"], "Give one of"),
        (["--trax", ""], "--trax is empty"),
        (["--trax", "python 'own.py"], "is no command (No closing quotation)"),
        (["--tracker", "{own}:Broken"], "a box is x, y, width, height"),
        (["--tracker", "{own}:Leaves"], "No video was tracked to its end"),
        (["--trax", "vl-track vot", "--prompts", "[box+text,text]"], "needs a box"),
        (["--tracker", "{own}:Still", "--count", "1"], "too few"),
        (["--tracker", "{own}:Still", "--resume"], "name it with --out"),
        (["--tracker", "{own}:Still", "--out", "page.json"], "is the HTML page"),
        (
            ["--tracker", "{own}:Still", "--datasets", "[real_clips]", "--split", "train"],
            "no split",
        ),
    ],
)
def test_faults_are_said(
    words: list[str], said: str, own: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("{own}", own) for word in words]
    count = [] if "--count" in given else ["--count", "3"]
    common = ["--root", str(root), "--emoji", "false"]
    assert APP.main(["audit", *given, *count, *common]) == 1
    assert said in capsys.readouterr().err


def test_a_trax_program_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle behind `vl-track vot`, as the toolkit would start it."""
    pytest.importorskip("trax", reason="pip install vot-trax")
    program = tmp_path / "oracle.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(REPOSITORY / 'tests')!r})\n"
        "from tracking_support import FindsRed\n"
        "from vl_track.vot import Session, serve\n"
        "serve(Session(FindsRed(), None, 'cpu'))\n"
    )
    tracker = TraxTracker(f"{sys.executable} {program}")
    with pytest.raises(ConfigError, match="needs a box"):
        tracker.initialize(frame_with(moving_box(0)), None, "the red thing")
    try:
        for _ in range(2):  # a second video, on the same program
            tracker.initialize(frame_with(moving_box(0)), moving_box(0), "the red thing")
            for time in range(1, 4):
                found = tracker.track(frame_with(moving_box(time)))
                assert found.box == pytest.approx(moving_box(time), abs=2.5)
    finally:
        tracker.close()


def test_a_trax_program_that_dies_is_started_again(tmp_path: Path) -> None:
    """Its death used to end the whole audit."""
    pytest.importorskip("trax", reason="pip install vot-trax")
    program = tmp_path / "dies.py"
    program.write_text(
        f"import os, sys; sys.path.insert(0, {str(REPOSITORY / 'tests')!r})\n"
        "from tracking_support import FindsRed\n"
        "from vl_track.vot import Session, serve\n"
        "class Dies(Session):\n"
        "    def track(self, image, objects=()):\n"
        "        if image.shape[0] != 120: os._exit(1)\n"
        "        return super().track(image, objects)\n"
        "serve(Dies(FindsRed(), None, 'cpu'))\n"
    )
    tracker = TraxTracker(f"{sys.executable} {program}")
    try:
        tracker.initialize(frame_with(moving_box(0)), moving_box(0))
        tracker.track(frame_with(moving_box(1)))
        with pytest.raises(TrackerFailedError, match="failed while tracking"):
            tracker.track(frame_with(moving_box(1), (160, 140)))
        tracker.initialize(frame_with(moving_box(0)), moving_box(0))
        found = tracker.track(frame_with(moving_box(1)))
        assert found.box == pytest.approx(moving_box(1), abs=2.5)
    finally:
        tracker.close()


def test_a_program_that_is_not_there_or_silent_is_said() -> None:
    pytest.importorskip("trax", reason="pip install vot-trax")
    with pytest.raises(ConfigError, match="cannot be started"):
        TraxTracker("no_such_program_here").initialize(frame_with(None), (1, 1, 5, 5))
    silent = TraxTracker(f"{sys.executable} -c pass")
    with pytest.raises(ConfigError, match="does not speak TraX"):
        silent.initialize(frame_with(None), (1, 1, 5, 5))


def test_an_answer_that_is_no_box_is_refused(own: str) -> None:
    tracker = ClassTracker(f"{own}.Broken")
    tracker.initialize(frame_with(None), (1, 1, 5, 5))
    with pytest.raises(DataError, match="is x, y, width, height"):
        tracker.track(frame_with(None))
