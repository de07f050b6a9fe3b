"""Where a run stands among others: declared when it started, read from ``run.json``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.errors import DataError
from holdfast.runs.identity import changed_keys, without

BUDGET = (
    "backbone", "weights", "image_size", "steps", "batch_size", "processes", "holdout_fraction",
    "precision", "compiled", "class_weights",
)  # fmt: skip
"""Runs that differ in one of these are never averaged, also where a search varies it."""
SAID_BY_BUDGET = (
    "trainer.max_steps", "trainer.devices", "trainer.precision", "data.image_size",
    "data.global_batch_size", "data.holdout_fraction", "model.backbone.init_args.name",
    "model.backbone.init_args.weights", "data.class_weights",
)  # fmt: skip
FEW = 3
ERM = "ERM"
"""The objective of plain fine-tuning."""


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """A run's place in an experiment.

    Attributes:
        experiment: its name.
        variant: what sets it apart from the experiment's plain method, as it was declared.
        point: hyper-parameters of a search; runs that differ in their values only are averaged.
        seed: of the run.
        steps: optimiser steps, the budget.
        left_out: names of the domains left out.
        split_seed: DomainBed's trial seed.
        holdout_fraction: fraction of each domain's ``out`` part.
        objective: class name; ``ERM`` is plain fine-tuning.
        dropout_rate: on the representation.
        head_lr_factor: learning rate of the head over the backbone's.
        backbone: its name.
        weights: what the backbone started from.
        image_size: side in pixels.
        batch_size: images of each training domain in a step.
        processes: ranks; each draws the dropout masks of its part of a batch.
        precision: of the trainer, such as ``32-true``, also where no configuration named it.
        compiled: whether torch.compile compiled the networks, which draws other dropout masks.
        class_weights: of the training loss: ``none``, ``balanced``, or JSON of those given by name.
        source: class name of the data's source.
        average: what the average along the run is, where it keeps one.
        train_images: images trained on.
        method: digest of every setting but those that tell repeats apart.
        data: digest of the data's fingerprint.
    """

    experiment: str
    variant: str
    point: Mapping[str, Any]
    seed: int
    steps: int
    left_out: tuple[str, ...]
    split_seed: int
    holdout_fraction: float
    objective: str
    dropout_rate: float
    head_lr_factor: float
    backbone: str
    weights: str
    image_size: int
    batch_size: int
    source: str
    method: str
    data: str
    processes: int = 1
    precision: str = "32-true"
    compiled: bool = False
    class_weights: str = "none"
    average: str = "trajectory average"
    train_images: int = 0
    recipe: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def test_name(self) -> str:
        """The domains left out, as one word."""
        return "+".join(self.left_out)

    @property
    def is_erm(self) -> bool:
        """Whether this is plain fine-tuning."""
        return self.objective == ERM and self.dropout_rate == 0

    @property
    def budget(self) -> tuple[Any, ...]:
        """What must be equal for two methods to be compared like for like."""
        return (self.data, *(getattr(self, name) for name in BUDGET))

    @property
    def group(self) -> tuple[Any, ...]:
        """Equal for runs of one method: they may share a mean, an ensemble, an average."""
        return (self.variant, self.objective, self.dropout_rate, self.method, *self.budget)

    @property
    def test_case(self) -> tuple[Any, ...]:
        """What a result is paired by: the domains left out and the split."""
        return (self.left_out, self.split_seed)


def coordinates_of(record: Mapping[str, Any], where: str) -> Coordinates:
    """Read the coordinates of ``run.json``.

    Args:
        record: its content.
        where: the file, for the error.

    Raises:
        DataError: the run does not say what it is.
    """
    identity = record.get("identity") or {}
    recipe = identity.get("recipe") or {}
    # The identity says it too, and never leaves it out.
    known = {"precision": identity["precision"]} if "precision" in identity else {}
    found = known | (record.get("coordinates") or {})
    names = [name for name in Coordinates.__dataclass_fields__ if name != "recipe"]
    try:
        values = {name: found[name] for name in names if name in found}
        values["left_out"] = tuple(str(name) for name in found["left_out"])
        return Coordinates(**values, recipe=recipe)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{where} does not say what the run is ({error}): it was not written by this version's "
            "`dropout-ft fit`; run it again."
        ) from error


def labels(groups: Sequence[Coordinates]) -> dict[tuple[Any, ...], str]:
    """Return a name for what sets each group apart, besides its rate; empty for the plain method.

    A declared variant is its own name, after that of an objective other than ERM that it leaves
    unsaid. One that only repeats the backbone that all groups have sets nothing apart. Where two
    groups would share a name and a rate, what differs between them is added, so that unlike runs
    are never shown under one name.

    Args:
        groups: coordinates of one run of each group.
    """
    found = {}
    one_backbone = len({(one.variant, one.backbone) for one in groups}) == 1
    for one in groups:
        same = one_backbone and one.backbone.endswith(one.variant)
        base = _method_and_variant(one.objective, "" if same else one.variant)
        rivals = [
            other
            for other in groups
            if (other.variant, other.objective, other.dropout_rate)
            == (one.variant, one.objective, one.dropout_rate)
        ]
        extra = _told_apart(one, rivals) if len(rivals) > 1 else ""
        found[one.group] = ", ".join(word for word in (base, extra) if word)
    return found


def _method_and_variant(objective: str, variant: str) -> str:
    said = objective == ERM or objective.lower() in variant.lower()
    return ", ".join(word for word in ("" if said else objective, variant) if word)


def _told_apart(one: Coordinates, rivals: Sequence[Coordinates]) -> str:
    """Name a few differences; all of them, and the digest, where a few do not tell groups apart."""
    for count in (FEW, None):
        texts = [_differences(rival, rivals, count) for rival in rivals]
        if len(set(texts)) == len(rivals):
            return texts[rivals.index(one)]
    few = _differences(one, rivals, FEW)
    return ", ".join(word for word in (few, f"settings {one.method[:6]}") if word)


def _differences(one: Coordinates, rivals: Sequence[Coordinates], count: int | None) -> str:
    words = [
        f"{name.replace('_', ' ')} {getattr(one, name)}"
        for name in BUDGET
        if len({getattr(rival, name) for rival in rivals}) > 1
    ]
    own = {
        "run",
        "seed_everything",
        "data.source.init_args.root",
        "data.test_domains",
        "model.class_names",
        *SAID_BY_BUDGET,
    }
    recipes = [without(rival.recipe, [*own, *rival.point]) for rival in rivals]
    mine = without(one.recipe, own)
    for key in changed_keys(recipes):
        if key == "data.source":
            continue  # a folder; the fingerprint says whether the images are the same
        value = mine.get(key, "default")
        text = value if isinstance(value, str) else json.dumps(value)
        words.append(f"{_short(key)} {text if len(text) <= 40 else text[:37] + '...'}")
    if len({rival.data for rival in rivals}) > 1:
        words.append(f"data {one.data[:6]}")
    return ", ".join(words[:count])


def _short(key: str) -> str:
    parts = [part for part in key.split(".") if part not in {"init_args", "class_path"}]
    return parts[-1].replace("_", " ")
