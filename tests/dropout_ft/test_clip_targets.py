"""Published numbers on CLIP ViT-B/16 stand beside runs on it, and beside no others."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dropout_ft.data.known import KNOWN
from dropout_ft.methods.base import ZERO_SHOT
from dropout_ft.report.results import Result
from dropout_ft.report.targets import CLIP_TARGETS, clip_cells
from dropout_ft.results.coordinates import Coordinates
from dropout_ft.results.run import Run
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of

SETS = {"pacs": "PACS", "vlcs": "VLCS", "office_home": "OfficeHome",
        "terra_incognita": "TerraIncognita", "domain_net": "DomainNet"}  # fmt: skip
CONFIGS = Path(__file__).parents[2] / "configs"
WHERE = Coordinates(
    experiment="clip", variant="", point={}, seed=0, steps=5000, left_out=("photo",), split_seed=0,
    holdout_fraction=0.2, objective="ERM", dropout_rate=0.0, head_lr_factor=1.0,
    backbone="ViT-B-16-quickgelu", weights="openai", image_size=224, batch_size=32,
    source="KnownFolder", method="m", data="d",
)  # fmt: skip


def run_on(name: str, backbone: str = "ViT-B-16-quickgelu", weights: str = "openai") -> Run:
    known = KNOWN[name]
    table = SimpleNamespace(domain_names=known.domains, class_names=("x",) * known.classes)
    where = replace(WHERE, backbone=backbone, weights=weights)
    return cast(Run, SimpleNamespace(table=table, coordinates=where))


def result(method: str, rate: float, domain: str, ood: float) -> Result:
    where = replace(WHERE, dropout_rate=rate, left_out=(domain,))
    return Result(method=method, coordinates=where, seed=0, iid=0.9, ood=ood)


@pytest.mark.parametrize("name", SETS.values())
def test_every_method_has_a_number_on_every_set(name: str) -> None:
    assert all(50 < values[name] < 100 or name in {"TerraIncognita", "DomainNet"}
               for values in CLIP_TARGETS.values())  # fmt: skip
    rows = clip_cells([run_on(name)], [])
    assert [row[0] for row in rows] == list(CLIP_TARGETS)
    assert all(row[2:] == ["-"] * 3 for row in rows)


def test_ours_stand_below_and_only_zero_shot_beside() -> None:
    results: list[Any] = [
        result("run", 0.0, "photo", 0.8), result("run", 0.0, "sketch", 0.6),
        result("run", 0.9, "photo", 0.9), result(ZERO_SHOT, 0.0, "photo", 0.95),
    ]  # fmt: skip
    rows = {row[0]: row[1:] for row in clip_cells([run_on("PACS")], results)}
    assert rows[ZERO_SHOT] == ["96.1", "95.0", "90.0", "art_painting, cartoon, sketch"]
    assert rows["ERM"] == ["85.8", "-", "-", "-"]
    assert rows["ERM (ours)"] == ["-", "70.0", "90.0", "art_painting, cartoon"]
    assert rows["dropout 0.9 (ours)"][1] == "90.0"


def test_other_networks_and_data_have_none() -> None:
    assert clip_cells([run_on("PACS", "resnet50.tv2_in1k")], []) == []
    assert clip_cells([run_on("PACS"), run_on("VLCS")], []) == []
    for other in ("ViT-B-16-SigLIP", "ViT-B-16-plus-240"):
        assert clip_cells([run_on("PACS", other)], []) == []
    assert clip_cells([run_on("PACS", "ViT-B-16")], []) != []


def test_zero_shot_of_other_weights_or_prompts_stands_below() -> None:
    zero = result(ZERO_SHOT, 0.0, "photo", 0.95)
    runs = [run_on("PACS", "ViT-B-16", "laion2b_s34b_b88k")]
    rows = {row[0]: row[1:] for row in clip_cells(runs, [zero])}
    assert rows[ZERO_SHOT] == ["96.1", "-", "-", "-"]
    assert rows[f"{ZERO_SHOT} (ours)"][1] == "95.0"
    several = [replace(zero, label="prompts 'a'"), replace(zero, label="prompts 'b'", ood=0.9)]
    rows = {row[0]: row[1:] for row in clip_cells([run_on("PACS")], several)}
    assert rows[f"{ZERO_SHOT}, prompts 'b' (ours)"][1] == "90.0"


@pytest.mark.parametrize(("stem", "name"), SETS.items())
def test_each_sweep_leaves_every_domain_out_at_three_rates(stem: str, name: str) -> None:
    plan = read_sweep_config(CONFIGS / f"sweeps/clip_{stem}.yaml")
    jobs = jobs_of(plan)
    assert len(jobs) == len(KNOWN[name].domains) * 9
    assert tuple(plan.domains) == KNOWN[name].domains
