"""What the documents say of conventions, data sets and experiments is so."""

import re
import subprocess
import sys
import warnings

import pytest
import yaml

from conftest import CONFIGS, REPOSITORY
from vl_track.app import APP
from vl_track.data.mixture import Mixture, Source
from vl_track.data.samples import one_thread
from vl_track.data.sets import lasot_ext, otb99_lang, tnl2k
from vl_track.data.sets.known import KNOWN, known_set
from vl_track.nn.text import NoText
from vl_track.scoring.conventions import NAMES, convention

EVALUATION = (REPOSITORY / "docs/evaluation.md").read_text()
DATASETS = (REPOSITORY / "docs/datasets.md").read_text()
MAKEFILE = (REPOSITORY / "Makefile").read_text()


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its header included."""
    part = text.split(heading)[1]
    lines: list[str] = []
    for line in part.splitlines():
        if line.startswith("|"):
            lines.append(line)
        elif lines:
            break
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_conventions_has_a_column_for_each() -> None:
    header, _, *body = rows(EVALUATION, "## Conventions")
    named = [re.findall(r"`(\w+)`", cell)[0] for cell in header[1:]]
    assert named == list(NAMES)
    table = {row[0]: dict(zip(NAMES, row[1:], strict=True)) for row in body}
    for name in NAMES:
        rules = convention(name)
        skips = table["all-zero sequences"][name] != "counted"
        assert skips == rules.skips_zero_rows
        mean = "mean" in table["P_norm"][name]
        assert mean == (rules.normalised_score == "mean")
        pixels = "whole pixels" in table["IoU"][name]
        assert pixels == (rules.overlap.__name__ == "overlap_pixels")
        repairs = "previous box" in table["box without area"][name]
        assert repairs == (rules.repairs != "never")
        assert ("refused" in table["longer result"][name]) == (rules.lengths == "equal")


def test_every_data_set_stands_in_the_document_with_its_counts() -> None:
    header, _, *body = rows(DATASETS, "# Data sets of vl_track")
    assert header[0] == "name"
    listed = {name: row for row in body for name in re.findall(r"`(\w+)`", row[0])}
    assert set(listed) == set(KNOWN)
    for name, row in listed.items():
        for count in KNOWN[name].counts.values():
            if count and name != "vasttrack":
                assert str(count) in row[2], name


def test_every_data_set_has_a_yaml_of_its_name_and_every_yaml_is_known() -> None:
    folder = CONFIGS / "vl_track/data"
    for name in KNOWN:
        content = yaml.safe_load((folder / f"{name}.yaml").read_text())
        assert content["class_path"] == "vl_track.data.Mixture"
        assert [source["name"] for source in content["init_args"]["sources"]] == [name]
    for path in folder.glob("*.yaml"):
        for source in yaml.safe_load(path.read_text())["init_args"]["sources"]:
            known = known_set(source["name"])
            assert source.get("split", "train") in known.counts
            assert f"configs/vl_track/data/{path.name}" in path.read_text() or "tricks" in path.name


def test_faults_handled_by_name_are_named() -> None:
    for name in (*lasot_ext.REVISED, *otb99_lang.START_FRAMES, *tnl2k.EMPTY_TEXT):
        assert name in DATASETS, name
    for folder in (tnl2k.REVISED, tnl2k.RETEXTED):
        assert folder in DATASETS
    assert otb99_lang.START_FRAMES == {"David": 300, "BlurCar1": 247, "BlurCar3": 3, "BlurCar4": 18}


def test_the_papers_mixtures() -> None:
    def sources(name: str) -> dict[str, float]:
        content = yaml.safe_load((CONFIGS / f"vl_track/{name}.yaml").read_text())
        found = content.get("init_args") or content["data"]["init_args"]
        return {one["name"]: one.get("ratio", 1.0) for one in found["sources"]}

    four = {"lasot": 1.0, "got10k": 1.0, "coco": 1.0, "trackingnet": 1.0}
    six = {**four, "visual_genome": 1.0, "refcocog": 1.0}
    assert sources("ostrack_256") == sources("data/ostrack_mixture") == four
    assert sources("paper_all_in_one") == sources("data/paper_mixture") == six
    assert sources("data/paper_mixture_tricks") == {**six, "webuav3m": 0.3, "tnl2k": 0.2}
    config = yaml.safe_load((CONFIGS / "vl_track/ostrack_256.yaml").read_text())
    assert config["model"]["network"]["text"]["class_path"].endswith(NoText.__name__)


@pytest.mark.parametrize(
    "target", ["vl-lasot", "vl-lasot-tricks", "vl-ostrack", "vl-benchmark", "vl-mini"]
)
def test_experiments_are_make_targets_with_a_line_of_help(target: str) -> None:
    assert re.search(rf"^{target}: \$\(STAMP\) ## \w", MAKEFILE, re.M)
    assert target in MAKEFILE.split(".PHONY:")[1].splitlines()[0]
    assert f"make {target}" in DATASETS + EVALUATION


def test_each_experiment_has_folders_of_its_own() -> None:
    """Case B12: three targets shared a folder of results, and the second was refused at its end."""
    for target in ("vl-lasot", "vl-lasot-tricks", "vl-ostrack"):
        words = ["make", "-n", target, "MAE=mae.pth", "STAMP="]
        said = subprocess.run(words, capture_output=True, text=True, check=True, cwd=REPOSITORY)
        places = re.findall(r"results/([\w-]+)", said.stdout)
        assert len(places) >= 5
        assert set(places) == {target}


RECIPES = ("paper_all_in_one", "ostrack_256", "release_all_in_one")


@pytest.mark.parametrize("name", RECIPES)
def test_the_papers_run_survives_and_is_the_same_on_any_number_of_gpus(name: str) -> None:
    """Case B13: the first checkpoint came after 50 of 300 epochs; schedules assumed four ranks."""
    config = yaml.safe_load((CONFIGS / f"vl_track/{name}.yaml").read_text())
    data = config["data"]["init_args"]
    assert (data["global_batch_size"], data["samples_per_epoch"]) == (128, 60_000)
    assert config["trainer"]["max_steps"] == "${steps:300}"
    assert config["model"]["schedule_unit"] == "epoch"
    assert config["model"]["lr_scheduler"]["init_args"]["milestones"] == [240]
    assert config["run"]["checkpoint_every"] <= 5 * 60_000 / 128
    module = Mixture([Source(name="lasot")])
    assert module.worker_init is one_thread, "OpenCV would take all cores in each worker"


def test_batches_of_a_mixture_are_pinned_where_there_is_a_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case B13: every copy to the GPU waited."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    module = Mixture([Source(name="lasot")])
    monkeypatch.setattr(module, "_opened", lambda *_: [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert module.train_dataloader().pin_memory
        assert module.val_dataloader().pin_memory


def test_commands_named_in_the_documents_exist() -> None:
    named = set(re.findall(r"vl-track ([a-z-]+)[ `]", EVALUATION + DATASETS))
    assert named >= {"evaluate", "benchmark", "submit", "data"}
    assert named <= {*APP.commands, "fit"}


def test_scoring_starts_without_torch() -> None:
    text = (
        "import sys, vl_track.commands.evaluate, vl_track.commands.submit;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib', 'timm')))"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0
