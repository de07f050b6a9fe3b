"""CLIP without any training: class prompts as the classifier (Radford et al. 2021)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from dropout_ft.described import describe
from dropout_ft.methods.base import ZERO_SHOT, Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.nn.backbones import OpenClipBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.clip_text import TEMPLATES, check_templates, set_prompt_head
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.results.run import Run
from dropout_ft.results.scores import score
from holdfast.errors import DataError
from holdfast.runs.record import read_record


@method
class ZeroShot(Method):
    """The pre-trained CLIP of the runs, evaluated once on each domain left out."""

    name = ZERO_SHOT
    description = "CLIP's own weights with class prompts as the classifier; nothing is trained"
    marker = "2"
    order = 15
    over = "data"
    asked = True
    kept = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the runs started from a CLIP tower."""
        backbone = model_config(runs[0]).get("backbone") or {}
        path = str(backbone.get("class_path"))
        return path.rsplit(".", 1)[-1] == OpenClipBackbone.__name__

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Build the zero-shot classifier and evaluate it."""
        run = runs[0]
        evaluation = Reevaluation(run)
        model = zero_shot_classifier(run).to(evaluation.device).eval()
        evaluation.model = model
        return [score(evaluation.logits(model.state_dict()), run.table)]


def zero_shot_classifier(run: Run) -> Classifier:
    """Return the classifier of class prompts on a run's pre-trained tower.

    The prompts are those of the run's PromptHead, else those of its FLYP objective, else
    ``TEMPLATES``.

    Raises:
        DataError: the run's record is damaged.
        CheckpointError: so is its description of the backbone.
    """
    config = model_config(run)
    names = list(run.table.class_names)
    found = describe({"model": config}, names, run.directory.record)
    backbone = OpenClipBackbone(**found.options)
    head = VeryLargeDropoutHead(
        backbone.num_features, len(names), dropout_rate=0.0, normalization="unit"
    )
    text = backbone.text_tower()
    with torch.no_grad():
        set_prompt_head(head, text, text.classes(names, templates_of(config, run)))
    return Classifier(backbone, head)


def model_config(run: Run) -> Mapping[str, Any]:
    """Return the section ``model`` of a run's record; empty where it has none."""
    found = (read_record(run.directory.record).get("config") or {}).get("model")
    return found if isinstance(found, Mapping) else {}


def templates_of(config: Mapping[str, Any], run: Run) -> Sequence[str]:
    """Return the prompts that a run's head or objective was given, or the default ones.

    Raises:
        DataError: the record holds something else.
        ConfigError: a template has not exactly one place for the class's name.
    """
    for key in ("head_start", "objective"):
        options = (config.get(key) or {}).get("init_args") or {}
        templates = options.get("templates")
        if templates is None:
            continue
        if not isinstance(templates, list) or not all(isinstance(t, str) for t in templates):
            raise DataError(f"{run.directory.record} has templates that are no texts.")
        check_templates(templates)
        return templates
    return TEMPLATES
