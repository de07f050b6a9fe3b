"""Every YAML below configs/ is found and run for two steps; a new one needs no line here."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

from conftest import CONFIGS, make_pictures
from csv_support import rows_of, write_list
from domainbed_support import miniatures as domainbed_miniatures
from dropout_ft.app import APP as DROPOUT_FT
from dropout_ft.data.shards import write_shards
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of
from emoji_support import small_emoji_root
from four_hands_support import small_four_hands_root
from holdfast.runs.record import read_record
from nightly_support import small_by_day
from scenes_support import painted_root
from sets_support import data_tree
from tests_support import only_run
from vl_track import load
from vl_track.app import APP as VL_TRACK
from vl_track.commands.phases import read_phases
from vl_track.data.sets.known import KNOWN
from wilds_support import miniature_camelyon17, miniature_iwildcam

Arguments = Callable[..., list[str]]
FOLDERS = ("hardware", "data", "model", "logger", "methods", "sweeps", "dropout_ft", "vl_track",
           "vl_track/data", "vl_track/heads", "vl_track/phases")  # fmt: skip
ON_ONE_CPU = (
    "--trainer.accelerator", "cpu", "--trainer.devices", "1", "--trainer.strategy", "auto",
    "--trainer.num_nodes", "1",
)  # fmt: skip
TWO_STEPS = ("--trainer.max_steps", "2", "--trainer.val_check_interval", "1")


def found(folder: str) -> list[Path]:
    return sorted((CONFIGS / folder).glob("*.yaml"))


@pytest.fixture(scope="session")
def few_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So few that the largest backbones finish two steps in seconds."""
    return make_pictures(tmp_path_factory.mktemp("few"), per_class=2)


@pytest.fixture
def emoji_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_emoji_root(tmp_path, monkeypatch)


def embedded_root(text: str, pictures: Path, emoji_root: Path, folder: Path) -> Path:
    """The root of a configuration's data: that of an embedded set, or a plain folder."""
    if "FourHands" in text:
        return small_four_hands_root(folder / "hands")
    return emoji_root if "EmojiStyles" in text else pictures


def backbone_text(path: Path) -> str:
    """The text of the backbone a configuration refers to."""
    reference = yaml.safe_load(path.read_text())["model"]["backbone"]
    return (path.parent / reference).read_text()


def known_set(text: str) -> bool:
    """Whether a configuration's data is one of DomainBed's sets."""
    return any(kind in text for kind in ("KnownFolder", "RotatedDigits", "ColoredDigits"))


def side(text: str) -> str:
    """A small picture, or the size that a CLIP tower is made for."""
    return "null" if "clip_vit" in text else "64"


def source(text: str, root: Path) -> list[str]:
    """Words that put the data of a configuration at another place."""
    special = "class_path: dropout_ft.data." in text
    return ["--data.source.init_args.root" if special else "--data.source", str(root)]


def assert_two_steps(root: Path) -> None:
    assert read_record(only_run(root) / "run.json")["steps"] == 2


def test_every_yaml_is_in_a_folder_that_is_run() -> None:
    everything = {path for path in CONFIGS.rglob("*") if path.suffix in {".yaml", ".yml"}}
    assert everything == {path for folder in FOLDERS for path in found(folder)}
    assert all(found(folder) for folder in FOLDERS)


@pytest.mark.parametrize("path", small_by_day(found("hardware")))
@pytest.mark.filterwarnings("ignore:.*AMP with fp16 is not supported on CPU.*")
@pytest.mark.filterwarnings("ignore:.*precision.*is not supported.*")
def test_hardware_presets(path: Path, tiny_arguments: Arguments, tmp_path: Path) -> None:
    """As written where the hardware is there, else with the device overridden by one CPU."""
    device = () if "precision" in path.stem or path.stem == "cpu" else ON_ONE_CPU
    assert DROPOUT_FT.main(tiny_arguments("fit", "--config", str(path), *device)) == 0
    assert_two_steps(tmp_path / "runs")
    preset = yaml.safe_load(path.read_text())["trainer"]
    if "precision" in preset:
        launch = read_record(only_run(tmp_path / "runs") / "run.json")["launches"][0]
        on_cpu = {"16-mixed": "bf16-mixed"}  # Lightning's own replacement
        wanted = preset["precision"]
        assert launch["hardware"]["precision"] in {wanted, on_cpu.get(wanted, wanted)}


@pytest.mark.parametrize("path", small_by_day(found("model")))
def test_backbones(
    path: Path, tiny_arguments: Arguments, few_pictures: Path, tmp_path: Path
) -> None:
    """A new backbone needs its one YAML only; weights that download are left out."""
    text = yaml.safe_load(path.read_text())
    words = [
        "--model.backbone", str(path), "--data.source", str(few_pictures),
        "--data.global_batch_size", "1", "--model.dropout_rate", "0.5",
    ]  # fmt: skip
    if not str(text["init_args"]["weights"]).startswith("package:"):
        words += ["--model.backbone.init_args.weights", "none"]
    fixed = ("vit", "clip")
    size = "64" if not any(word in path.stem for word in fixed) else "null"
    words += ["--data.image_size", size]
    assert DROPOUT_FT.main(tiny_arguments("fit", *words)) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("data")))
def test_data_sets(
    path: Path, tiny_arguments: Arguments, pictures: Path, emoji_root: Path, tmp_path: Path
) -> None:
    text = path.read_text()
    root = embedded_root(text, pictures, emoji_root, tmp_path)
    if known_set(text):
        root = domainbed_miniatures(tmp_path / "sets")
    if "ShardedFolder" in text:
        root = tmp_path / "shards"
        write_shards(pictures, root, chunk_bytes="20KB")
    if "Camelyon17" in text or "IWildCam" in text:
        root = miniature_iwildcam(miniature_camelyon17(tmp_path / "wilds"))
    if "CsvSource" in text:
        root = write_list(tmp_path / "pictures.csv", rows_of(pictures, absolute=True))
    words = [
        "fit", "--config", str(CONFIGS / "dropout_ft/tiny.yaml"), "--data", str(path),
        *source(text, root), "--data.image_size", "32", "--data.global_batch_size", "2",
        "--run.root", str(tmp_path / "runs"),
    ]  # fmt: skip
    assert DROPOUT_FT.main(words) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("logger")))
def test_loggers(
    path: Path, tiny_arguments: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the service's package two steps run; without it one sentence says what to install."""
    monkeypatch.chdir(tmp_path)
    status = DROPOUT_FT.main(tiny_arguments("fit", "--config", str(path)))
    if find_spec(path.stem) is None:
        assert status == 1
        message = capsys.readouterr().err
        assert path.stem in message
        assert "pip install" in message
    else:
        assert status == 0
        assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("methods")))
def test_dropout_ft_methods(path: Path, tiny_arguments: Arguments, tmp_path: Path) -> None:
    """Each is added to the tiny experiment; weights that download are left out."""
    text = path.read_text()
    words = ["--config", str(path), "--model.dropout_rate", "0.5"]
    if "weights: pretrained" in text or "clip_vit" in text:
        words += ["--model.backbone.init_args.weights", "none"]
    if "HeadWarmStart" in text:
        words += ["--model.head_start.init_args.steps", "3"]
        words += ["--model.head_start.init_args.batches", "2"]
    assert DROPOUT_FT.main(tiny_arguments("fit", *words)) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("sweeps")))
def test_sweeps(path: Path, pictures: Path, emoji_root: Path, tmp_path: Path) -> None:
    """The first job of each, on miniatures."""
    job = jobs_of(read_sweep_config(path))[0]
    text = job.content
    root = embedded_root(text, pictures, emoji_root, tmp_path)
    if known_set(text):
        root = domainbed_miniatures(tmp_path / "sets")
    words = [word for file in job.locations["files"] for word in ("--config", file)]
    words += [f"--data={job.locations['data']}"] if job.locations["data"] else []
    words += [
        *job.arguments["settings"], *ON_ONE_CPU, *TWO_STEPS, *source(text, root),
        "--data.global_batch_size", "2", "--data.image_size", side(text),
        "--run.root", str(tmp_path / "runs"),
    ]  # fmt: skip
    if "weights: pretrained" in text or "clip_vit" in text:
        words += ["--model.backbone.init_args.weights", "none"]
    if "HeadWarmStart" in text:
        words += ["--model.head_start.init_args.steps", "3"]
        words += ["--model.head_start.init_args.batches", "2"]
    assert DROPOUT_FT.main(["fit", *words]) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("dropout_ft")))
def test_dropout_ft_experiments(
    path: Path, pictures: Path, emoji_root: Path, tmp_path: Path
) -> None:
    text = path.read_text()
    root = embedded_root(text, pictures, emoji_root, tmp_path)
    words = [
        "fit", "--config", str(path), *ON_ONE_CPU, *TWO_STEPS,
        *source(text, root),
        "--data.global_batch_size", "2", "--data.image_size", side(text),
        "--run.root", str(tmp_path / "runs"),
    ]  # fmt: skip
    if "package:" not in backbone_text(path):
        words += ["--model.backbone.init_args.weights", "none"]
    if "HeadWarmStart" in text:
        words += ["--model.head_start.init_args.steps", "3"]
        words += ["--model.head_start.init_args.batches", "2"]
    assert DROPOUT_FT.main(words) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every data set of vl_track, in its layout, a few frames each; do not change it."""
    return data_tree(tmp_path_factory.mktemp("miniatures"), *KNOWN)


def experiments() -> list[Path]:
    """Whole recipes of vl_track; those of phases are no configurations of ``fit``."""
    return [path for path in found("vl_track") if not path.stem.startswith("phases")]


@pytest.mark.parametrize("path", small_by_day(experiments()))
def test_vl_track_experiments(path: Path, miniatures: Path, tmp_path: Path) -> None:
    """As written, but for the batch, the emoji and weights that would be fetched.

    One evaluation, at the end: each writes checkpoints, of gigabytes for the paper's sizes.
    """
    text = path.read_text()
    words = [
        "fit", "--config", str(path), *ON_ONE_CPU, *TWO_STEPS, "--run.root", str(tmp_path / "runs"),
        "--data.global_batch_size", "2", "--data.val_pairs", "3",
        "--data.num_workers", "0", "--trainer.val_check_interval", "2",
    ]  # fmt: skip
    if "vl_track.scenes.Scenes" in text:
        words += ["--data.init_args.root", str(painted_root(tmp_path / "data"))]
        words += ["--data.emoji", "false"]
        words += ["--data.cutouts", "0"] if "cutouts:" in text else []
    else:
        words += ["--data.init_args.root", str(miniatures)]
    if "weights: package:" in text:
        words += ["--model.network.backbone.weights", "none"]
    assert VL_TRACK.main(words) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("vl_track/data")))
def test_vl_track_data_sets(path: Path, miniatures: Path, tmp_path: Path) -> None:
    """Each data set and mixture feeds the tiny tracker."""
    words = [
        "fit", "--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), *ON_ONE_CPU, *TWO_STEPS,
        "--data", str(path), "--data.root", str(miniatures), "--data.global_batch_size", "2",
        "--data.val_pairs", "2", "--run.root", str(tmp_path / "runs"),
        "--data.pairs", "{template_size: 32, search_size: 64}",
    ]  # fmt: skip
    assert VL_TRACK.main(words) == 0
    assert_two_steps(tmp_path / "runs")


def recipe_below(overlay: Path) -> tuple[list[str], str]:
    """Return the options of the recipe that a phase goes on top of, and the recipe's text."""
    files = [path for path in found("vl_track") if path not in experiments()]
    plans = [read_phases(str(path)) for path in files]
    first = next(p for p in plans if any(str(overlay) in one.fit for one in p.phases.values()))
    words = [word for one in first.fit for word in ("--config", one)]
    return words, "".join(Path(one).read_text() for one in first.fit)


@pytest.mark.parametrize("path", small_by_day(found("vl_track/phases")))
def test_vl_track_phases(path: Path, tmp_path: Path) -> None:
    """Each phase goes on top of the recipe of the file of phases that names it."""
    recipe, text = recipe_below(path)
    words = [
        "fit", *recipe, "--config", str(path),
        *ON_ONE_CPU, *TWO_STEPS, "--run.root", str(tmp_path / "runs"),
        "--data.init_args.root", str(painted_root(tmp_path / "data")), "--data.emoji", "false",
        "--data.global_batch_size", "2", "--data.val_pairs", "3", "--data.num_workers", "0",
        "--trainer.val_check_interval", "2", "--model.network.backbone.weights", "none",
    ]  # fmt: skip
    words += ["--data.cutouts", "0"] if "cutouts:" in text else []
    assert VL_TRACK.main(words) == 0
    assert_two_steps(tmp_path / "runs")


@pytest.mark.parametrize("path", small_by_day(found("vl_track/heads")))
def test_vl_track_heads(path: Path, tmp_path: Path) -> None:
    """Each head is trained on top of the tiny tracker, and tracks a few frames."""
    words = [
        "fit", "--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), "--config", str(path),
        *ON_ONE_CPU, *TWO_STEPS, "--run.root", str(tmp_path / "runs"),
        "--data.init_args.root", str(painted_root(tmp_path / "data")), "--data.emoji", "false",
        "--data.global_batch_size", "2", "--data.val_pairs", "3",
    ]  # fmt: skip
    assert VL_TRACK.main(words) == 0
    assert_two_steps(tmp_path / "runs")
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    assert VL_TRACK.main(["export", "--ckpt", str(checkpoint), "--out", str(tmp_path / "m")]) == 0
    tracker = load(tmp_path / "m", device="cpu", runtime="torch")
    wanted = yaml.safe_load(path.read_text())["model"]["network"]["head"]["class_path"]
    assert type(tracker.network.head).__name__ == wanted.rsplit(".", 1)[-1]
    frames = np.random.default_rng(0).integers(0, 255, (4, 60, 80, 3), dtype=np.uint8)
    steps = list(tracker.follow(list(frames), box=(20, 20, 30, 24)))
    assert all(0 < step.score < 1 for step in steps[1:])
