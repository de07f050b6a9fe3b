"""The sweep's configuration, its list of jobs, and a tiny sweep run for real."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import CONFIGS
from dropout_ft.app import APP
from dropout_ft.sweep.config import RandomSearch, read_sweep_config, text_of
from dropout_ft.sweep.expand import AS_CONFIGURED, draw, jobs_of, left_out, points
from dropout_ft.sweep.training import best_of
from dropout_ft.sweep.unchanged import _source
from holdfast.errors import ConfigError
from holdfast.jobs.job import JobFolder
from holdfast.training.shared_batches import stream_folder

LR = "model.optimizer.init_args.lr"


def write(folder: Path, **changes: Any) -> Path:
    content: dict[str, Any] = {
        "fit": ["fit.yaml"],
        "domains": ["a", "b"],
        "dropout_rates": [0, 0.9],
    }
    (folder / "fit.yaml").write_text("trainer: {max_steps: 7}\n")
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def test_every_combination_once_and_seeds_slowest(tmp_path: Path) -> None:
    grid = {LR: [0.1, 0.2, 0.3]}
    config = read_sweep_config(write(tmp_path, seeds=[0, 1], grid=grid))
    jobs = jobs_of(config)
    assert len(jobs) == len({job.digest for job in jobs}) == 2 * 2 * 2 * 3
    assert ["seed 0" in job.name for job in jobs] == [True] * 12 + [False] * 12
    assert jobs[0].name == "a, rate 0, seed 0, lr 0.1"
    settings = jobs[0].arguments["settings"]
    assert '--data.test_domains=["a"]' in settings
    assert f"--{LR}=0.1" in settings
    assert [job.digest for job in jobs_of(read_sweep_config(tmp_path / "sweep.yaml"))] == [
        job.digest for job in jobs
    ]


def test_pairs_are_left_out_for_leave_one_domain_out(tmp_path: Path) -> None:
    config = read_sweep_config(write(tmp_path, domains=["a", "b", "c", "d"], pairs=True))
    assert len(left_out(config)) == 4 + 6
    assert left_out(config)[-1] == ("c", "d")


def test_splits_are_shared_or_follow_the_seed(tmp_path: Path) -> None:
    for kind, expected in (("shared", False), ("by_seed", True)):
        config = read_sweep_config(write(tmp_path, seeds=[3], split_seeds=kind))
        words = jobs_of(config)[0].arguments["settings"]
        assert ("--data.split_seed=3" in words) == expected


def test_variants_add_files_and_may_have_their_own_rates(tmp_path: Path) -> None:
    (tmp_path / "mixup.yaml").write_text("model: {}\n")
    variants = {"Mixup": {"fit": ["mixup.yaml"], "dropout_rates": [0]}, "10x": {"set": {"x": True}}}
    jobs = jobs_of(read_sweep_config(write(tmp_path, variants=variants)))
    assert len(jobs) == 4 + 2 + 4
    mixup = [job for job in jobs if job.name.startswith("Mixup")]
    assert all(job.locations["files"][-1].endswith("mixup.yaml") for job in mixup)
    tenfold = [job for job in jobs if job.name.startswith("10x")]
    assert all("--x=true" in job.arguments["settings"] for job in tenfold)
    only = jobs_of(read_sweep_config(write(tmp_path, variants=variants, plain=False)))
    assert len(only) == 6


def test_files_may_be_recipes_by_name(tmp_path: Path) -> None:
    config = read_sweep_config(write(tmp_path, fit=["dropout_ft:tiny"]))
    assert [Path(file).name for file in config.fit] == ["tiny.yaml"]


def test_a_changed_file_is_another_job_even_behind_a_reference(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "fit.yaml").write_text("model: {backbone: net.yaml}  # not other.yaml\n")
    (tmp_path / "net.yaml").write_text("a: 1\n")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    before = [job.digest for job in jobs_of(read_sweep_config(path))]
    (tmp_path / "other.yaml").write_text("a: 2\n")
    assert [job.digest for job in jobs_of(read_sweep_config(path))] == before
    (tmp_path / "net.yaml").write_text("a: 2\n")
    assert jobs_of(read_sweep_config(path))[0].digest not in before
    assert "a: 2" in text_of([str(tmp_path / "fit.yaml")])


@pytest.mark.parametrize("where", ["set", "variant", "grid", "list"])
def test_a_changed_file_that_a_setting_names_is_another_job(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`set: {model.backbone: own.yaml}` was "done" after own.yaml had changed."""
    own = tmp_path / "own.yaml"
    own.write_text("a: 1\n")
    key, name = "model.backbone", "own.yaml"
    changes: dict[str, dict[str, Any]] = {
        "set": {"set": {key: name}},
        "variant": {"variants": {"v": {"set": {key: name}}}, "plain": False},
        "grid": {"grid": {key: [name]}},
        "list": {"set": {"x": [{"y": name}]}},
    }
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, **changes[where])
    before = {job.digest for job in jobs_of(read_sweep_config(path))}
    own.write_text("a: 2\n")
    assert before.isdisjoint(job.digest for job in jobs_of(read_sweep_config(path)))


@pytest.mark.parametrize("where", ["set", "variant", "grid", "fit", "recipe"])
def test_a_changed_recipe_that_is_named_is_another_job(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--set model.backbone=model:own` was "done" after the recipe had been edited."""
    recipe = tmp_path / "configs/model/own.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("a: 1\n")
    monkeypatch.setattr("holdfast.cli.recipes.recipes_root", lambda: tmp_path / "configs")
    setting = {"model.backbone": "model:own"}
    changes: dict[str, dict[str, Any]] = {
        "set": {"set": setting},
        "variant": {"variants": {"v": {"set": setting}}, "plain": False},
        "grid": {"grid": {"model.backbone": ["model:own"]}},
        "recipe": {"set": {"model.backbone": "model:outer"}},
    }
    (recipe.parent / "outer.yaml").write_text("backbone: model:own\n")
    path = write(tmp_path, **changes.get(where, {}))
    if where == "fit":
        (tmp_path / "fit.yaml").write_text("model: {backbone: model:own}\nrun: {name: model:no}\n")
    before = {job.digest for job in jobs_of(read_sweep_config(path))}
    assert before == {job.digest for job in jobs_of(read_sweep_config(path))}
    recipe.write_text("a: 2\n")
    assert before.isdisjoint(job.digest for job in jobs_of(read_sweep_config(path)))


def test_a_file_with_a_space_in_its_name_is_followed(tmp_path: Path) -> None:
    """A pattern looked for references, and missed this one."""
    path = write(tmp_path)
    (tmp_path / "my nets").mkdir()
    (tmp_path / "my nets/net.yaml").write_text("a: 1\n")
    (tmp_path / "fit.yaml").write_text("model: {backbone: my nets/net.yaml}\n")
    before = {job.digest for job in jobs_of(read_sweep_config(path))}
    (tmp_path / "my nets/net.yaml").write_text("a: 2\n")
    assert before.isdisjoint(job.digest for job in jobs_of(read_sweep_config(path)))


def test_random_points_are_the_same_every_time_and_in_range(tmp_path: Path) -> None:
    space = {
        "a": {"log_uniform": [1e-4, 1e-1]}, "b": {"uniform": [2, 3]}, "c": {"choice": [5, 6]},
    }  # fmt: skip
    search = RandomSearch(count=200, seed=1, space=space)
    drawn = [draw(search, number) for number in range(200)]
    assert drawn == [draw(search, number) for number in range(200)]
    logs = np.log10([point["a"] for point in drawn])
    assert -4 <= logs.min() < -3.8
    assert -1.2 < logs.max() <= -1
    assert abs(logs.mean() + 2.5) < 0.2
    assert all(2 <= point["b"] <= 3 for point in drawn)
    assert {point["c"] for point in drawn} == {5, 6}
    more = RandomSearch(count=200, seed=1, space={**space, "d": {"choice": [1]}})
    assert [p["a"] for p in drawn] == [draw(more, n)["a"] for n in range(200)]
    config = read_sweep_config(write(tmp_path, random={"count": 3, "space": space}))
    assert points(config)[0] == dict.fromkeys(space, AS_CONFIGURED)
    assert len(points(config)) == 4
    words = [job.arguments["settings"] for job in jobs_of(config)]
    # Every point declares the same keys, so that all of them are points of one method.
    assert all(sum(word.startswith("--run.point=") for word in one) == 1 for one in words)
    assert not any(word.startswith("--a=") for word in words[0])
    assert any(word.startswith("--a=") for word in words[1])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fit": ["absent.yaml"]}, "there is no file"),
        ({"domains": []}, "domains: List should have at least 1 item"),
        ({"seeds": 3}, "seeds: Input should be a valid list"),
        ({"seeds": [True]}, "seeds.0: Input should be a valid integer"),
        ({"dropout_rates": [1.0]}, "dropout_rates.0: Input should be less than 1"),
        ({"grids": {}}, "grids: there is no such setting; there are fit, domains"),
        ({"grid": {"a": 1}}, "grid.a: Input should be a valid list"),
        ({"grid": {"a": [1]}, "random": {"count": 1}}, "grid and random exclude each other"),
        ({"random": {"space": {}}}, "random.count: Field required"),
        ({"random": {"count": 1, "space": {"a": {"magic": [1]}}}}, "random.space.a"),
        ({"random": {"count": 1, "space": {"a": {"uniform": [2, 1]}}}}, "two rising numbers"),
        ({"random": {"count": 1, "space": {"a": {"log_uniform": [0, 1]}}}}, "above 0"),
        ({"variants": {"x": {"fits": []}}}, "variants.x.fits: there is no such setting; there are"),
        ({"variants": [1]}, "variants: Input should be a valid dictionary"),
        ({"variants": {"x": 3}}, "variants.x: Input should be"),
        ({"split_seeds": "other"}, "split_seeds: Input should be 'shared' or 'by_seed'"),
        ({"plain": False}, "nothing would run"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        read_sweep_config(write(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"- 1", None])
def test_files_that_are_no_sweep(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"sweep\.yaml"):
        read_sweep_config(path)


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the same run twice"):
        jobs_of(read_sweep_config(write(tmp_path, dropout_rates=[0.9, 0.9])))


@pytest.mark.parametrize("path", sorted((CONFIGS / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_sweep_lists_its_jobs(path: Path) -> None:
    assert jobs_of(read_sweep_config(path))


def test_the_papers_sweeps_are_576_runs() -> None:
    names = ("pacs", "vlcs", "office_home", "terra_incognita")
    counts = [len(jobs_of(read_sweep_config(CONFIGS / f"sweeps/paper_{n}.yaml"))) for n in names]
    assert counts == [144] * 4


def test_the_best_is_chosen_by_the_iid_accuracy() -> None:
    text = best_of([{"iid": 0.5, "ood": 0.9}, {"iid": 0.7, "ood": 0.3}])
    assert text == "best run so far: 70.0 % on pictures held out, 30.0 % on the domain left out"


@pytest.mark.slow
def test_a_tiny_sweep_stops_resumes_and_is_reported(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.yaml"
    content = {
        "fit": [str(CONFIGS / "dropout_ft/tiny.yaml")], "domains": ["a"], "dropout_rates": [0, 0.5],
        "seeds": [0, 1], "set": {"data.source": str(pictures)},
    }  # fmt: skip
    plan.write_text(yaml.safe_dump(content))
    words = ["sweep", str(plan), "--out", str(tmp_path / "out"), "--engine", "processes"]
    assert APP.main([*words, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("not started") == 4
    assert "4 jobs, 4 to run, 8 optimiser steps, time unknown" in printed
    assert APP.main([*words, "--workers", "2"]) == 0
    assert "4/4 done; best run so far" in capsys.readouterr().out
    folders = [JobFolder(path=path) for path in (tmp_path / "out/jobs").iterdir()]
    assert {folder.state() for folder in folders} == {"done"}
    before = {folder.path.name: folder.read("done") for folder in folders}
    assert APP.main(words) == 0  # nothing to do
    assert {folder.path.name: folder.read("done") for folder in folders} == before
    assert APP.main(["report", str(tmp_path / "out"), "--out", str(tmp_path / "r")]) == 0
    assert "dropout 0.5, ensemble over runs" in (tmp_path / "r/results.csv").read_text()
    export = str(tmp_path / "domainbed")
    words = ["domainbed-export", str(tmp_path / "out"), "--out", export, "--dataset", "PACS"]
    assert APP.main(words) == 0
    assert APP.main(["domainbed-tables", export]) == 0
    assert "ERM-drop0.5-ensemble" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["text", "class"])
def test_changed_data_of_a_finished_job_are_told(
    own_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """`compare` printed the old table after pictures had been added."""
    source = str(own_pictures)
    if how == "class":
        name = "dropout_ft.data.sources.Source"
        source = json.dumps({"class_path": name, "init_args": {"root": source}})
    words = [
        "compare", "--fit", str(CONFIGS / "dropout_ft/tiny.yaml"), "--domains", "[a]",
        "--dropout_rates", "[0]", "--out", str(tmp_path / "out"), "--set", f"data.source={source}",
    ]  # fmt: skip
    assert APP.main(words) == 0

    own_pictures.rename(tmp_path / "elsewhere")
    capsys.readouterr()
    assert APP.main(words) == 0
    assert f"cannot be compared with {own_pictures}" in capsys.readouterr().out
    (tmp_path / "elsewhere").rename(own_pictures)

    picture = own_pictures / "b/red/00.png"
    picture.with_name("99.png").write_bytes(picture.read_bytes())
    assert APP.main(words) == 1
    told = "was trained, its data have changed ({}): take another --out"
    assert told.format("b: 15 files before, 16 now") in capsys.readouterr().err
    picture.with_name("99.png").unlink()
    assert APP.main(words) == 0

    picture.write_bytes((own_pictures / "c/blue/01.png").read_bytes())
    assert APP.main(words) == 1
    assert told.format("other names, sizes or contents") in capsys.readouterr().err


def test_a_record_builds_only_our_own_sources() -> None:
    assert _source({"class_path": "os.system", "init_args": {"command": "true"}}) is None
    assert _source({"class_path": "dropout_ft.data.sources.base.Source",
                    "init_args": {"root": "x"}}) is not None  # fmt: skip


@pytest.mark.slow
def test_a_shared_stream_changes_no_run(pictures: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    content = {
        "fit": [str(CONFIGS / "dropout_ft/tiny.yaml")], "domains": ["a"], "dropout_rates": [0, 0.5],
        "set": {"data.source": str(pictures)},
    }  # fmt: skip
    plan.write_text(yaml.safe_dump(content))
    found = []
    for name, more in (("alone", []), ("together", ["--share_stream", "true"])):
        words = ["sweep", str(plan), "--out", str(tmp_path / name), "--engine", "processes"]
        assert APP.main([*words, "--workers", "2", *more]) == 0
        logits = sorted((tmp_path / name).glob("jobs/*/*/logits/*.safetensors"))
        found.append({path.relative_to(tmp_path / name): path.read_bytes() for path in logits})
        logs = "".join(log.read_text() for log in (tmp_path / name).glob("jobs/*/log.txt"))
        assert "not shared" not in logs
    assert found[0]
    assert found[0] == found[1]
    assert not stream_folder(tmp_path / "together").exists()


@pytest.mark.slow
def test_a_diverged_run_is_ended_and_said(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.yaml"
    content = {
        "fit": [str(CONFIGS / "dropout_ft/tiny.yaml")], "domains": ["a"], "dropout_rates": [0],
        "set": {"data.source": str(pictures), LR: 1e30, "trainer.max_steps": 50},
    }  # fmt: skip
    plan.write_text(yaml.safe_dump(content))
    words = ["sweep", str(plan), "--out", str(tmp_path / "out"), "--engine", "processes"]
    assert APP.main(words) == 1
    assert "1 of 1 runs" in capsys.readouterr().err
    (job,) = (tmp_path / "out/jobs").iterdir()
    assert JobFolder(path=job).read("failed")["reason"] == "diverged"
