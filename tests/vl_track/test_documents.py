"""What the documents and the Makefile say of vl_track is so."""

import dataclasses
import inspect
import json
import re
from importlib.resources import files

import pytest
import yaml

from conftest import CONFIGS, REPOSITORY
from vl_track.app import APP
from vl_track.data.augment import Augmentation
from vl_track.data.pairs import PairOptions
from vl_track.finding import OFFICIAL, Conventions
from vl_track.nn.backbone import JointTransformer
from vl_track.nn.network import AllInOne
from vl_track.nn.text import OfficialText, TokenText
from vl_track.scenes.datamodule import Scenes
from vl_track.tracking import TrackerOptions
from vl_track.training.module import AlignmentOptions, LossWeights, Tracking

DOCUMENT = (REPOSITORY / "docs/vl_track.md").read_text()


def parameters(kind: type) -> set[str]:
    return set(inspect.signature(kind).parameters)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading."""
    text = DOCUMENT.split(f"## {heading}")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_switch_of_the_table_exists_with_its_default() -> None:
    known = parameters(Tracking) | parameters(AllInOne) | parameters(TokenText) | parameters(Scenes)
    kinds = (PairOptions, Augmentation, AlignmentOptions, LossWeights, TrackerOptions)
    known |= {field.name for kind in kinds for field in dataclasses.fields(kind)}
    known |= parameters(JointTransformer)
    known |= set(Conventions._fields) | parameters(OfficialText) | {"text", "skip_damaged"}
    for row in table("Switches"):
        for name in re.findall(r"`([\w.]+)`", row[1]):
            if name[0].islower():
                assert name.split(".")[-1] in known, name
    defaults = {row[1]: row[2] for row in table("Switches")}
    assert (
        inspect.signature(AllInOne).parameters["text_norm"].default
        in defaults["`network.text_norm`"]
    )
    assert inspect.signature(AllInOne).parameters["matching"].default == "none"
    assert LossWeights().pointing == 0
    assert PairOptions().prompts == {"box+text": 1.0}
    assert PairOptions().template_jitter == 0
    assert not AlignmentOptions().same_sentence_negative
    assert AlignmentOptions().pool == "flatten"
    assert Augmentation().separate_flip == 0
    assert not Augmentation().grayscale_text
    assert AlignmentOptions().across_ranks
    assert PairOptions().least_frames == 0
    assert Conventions() == (False, True, True, 10, False)
    options = TrackerOptions()
    assert (options.update_interval, options.window_weight) == (0, 1.0)
    assert options.redetect == "after_alarm", "as the release, without a presence.json"


def test_the_papers_weights_are_the_defaults() -> None:
    """Focal 1, GIoU 2, L1 5; alignment 256, 0.5; crops 2 and 4."""
    weights = LossWeights()
    assert (weights.score, weights.giou, weights.l1) == (1, 2, 5)
    assert (AlignmentOptions().dim, AlignmentOptions().temperature) == (256, 0.5)
    pairs = PairOptions()
    assert (pairs.template_size, pairs.search_size) == (128, 256)
    assert (pairs.template_factor, pairs.search_factor) == (2, 4)
    assert (pairs.scale_jitter, pairs.centre_jitter) == (0.25, 3)
    backbone = inspect.signature(JointTransformer).parameters
    assert backbone["name"].default == "vit_base_patch16_224"
    assert backbone["keep_ratio"].default == 0.7


@pytest.mark.parametrize("name", ["paper_base", "paper_base_384"])
def test_the_papers_configurations(name: str) -> None:
    config = yaml.safe_load((CONFIGS / f"vl_track/{name}.yaml").read_text())
    backbone = config["model"]["network"]["backbone"]["init_args"]
    size = 384 if name.endswith("384") else 256
    assert backbone["search_size"] == size
    assert backbone["elimination_blocks"] == [3, 6, 9]
    if size == 384:
        pairs = config["data"]["init_args"]["pairs"]
        assert pairs["search_size"] == 384
        assert pairs["search_factor"] == config["model"]["network"]["search_factor"] == 5.0
    assert config["trainer"]["gradient_clip_val"] == 0.1


def test_commands_named_in_documents_and_makefile_exist() -> None:
    texts = [DOCUMENT, (REPOSITORY / "README.md").read_text(),
             (REPOSITORY / "docs/scenes.md").read_text(),
             (REPOSITORY / "Makefile").read_text()]  # fmt: skip
    known = {*APP.commands, "fit", "validate", "test"}
    named = {word for text in texts for word in re.findall(r"vl-track ([a-z-]+)[ \n]", text)}
    named -= {"and"}  # in a sentence
    assert named >= {
        "track",
        "demo",
        "example",
        "score",
        "audit",
        "clips",
        "scenes",
        "export",
    }
    assert named <= known


def test_the_shipped_models_description_is_plain_json() -> None:
    folder = files("vl_track") / "weights/small"
    config = json.loads((folder / "config.json").read_text())
    assert config["backbone"]["init_args"].get("weights") is None
    assert config["matching"] == "target_and_text"


def test_the_release_recipe_sets_every_switch_to_the_releases_side() -> None:
    """``release_all_in_one.yaml`` beside the paper's: what differs are the switches, no more."""
    folder = REPOSITORY / "configs/vl_track"
    ours = yaml.safe_load((folder / "paper_all_in_one.yaml").read_text())
    release = yaml.safe_load((folder / "release_all_in_one.yaml").read_text())
    model, data = release["model"], release["data"]["init_args"]
    assert model["network"]["text"]["class_path"] == "vl_track.nn.text.OfficialText"
    assert model["network"]["text_norm"] == "unit"
    assert model["alignment"]["same_sentence_negative"] is True
    assert model["alignment"]["across_ranks"] is False
    assert model["alignment_with_backbone"] is True
    assert data["pairs"]["least_frames"] == 20
    assert data["pairs"]["release_coordinates"] is True
    flips = data["pairs"]["augmentation"]
    assert flips == {
        "grayscale": 0.05, "grayscale_text": True, "joint_flip": 0, "separate_flip": 0.5
    }  # fmt: skip
    assert data["sources"] == ours["data"]["init_args"]["sources"]
    # The release computes in float32, and its BatchNorm sees one GPU's part of the batch.
    assert {**ours["trainer"], "precision": "32-true"} == {
        **release["trainer"],
        "sync_batchnorm": True,
    }
    for part in ("optimizer", "lr_scheduler", "backbone_lr_factor"):
        assert model[part] == ours["model"][part]
    assert model["network"]["backbone"] == ours["model"]["network"]["backbone"]
    assert OFFICIAL == (True, False, False, 1, False)
