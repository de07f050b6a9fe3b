"""What a run is: everything that changes what it computes, declared once and compared later."""

import hashlib
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from holdfast.runs.fingerprint import describe_change, has_other_files

# Settings that change how a run is carried out or shown, but not what it computes.
PRESENTATION_KEYS = frozenset(
    {
        "config",
        "ckpt_path",
        "weights_only",
        "run.root",
        "run.resume",
        "run.checkpoint_every",
        "trainer.logger",
        "trainer.callbacks",
        "trainer.default_root_dir",
        "trainer.enable_progress_bar",
        "trainer.enable_model_summary",
        "trainer.enable_checkpointing",
        "trainer.log_every_n_steps",
        "trainer.profiler",
        "trainer.detect_anomaly",
        "trainer.plugins",
        "data.num_workers",
        "data.init_args.num_workers",
        "data.eval_batch_size",  # as threads, it changes how sums are rounded, and nothing else
        "data.init_args.eval_batch_size",
        "data.content_hash",
        "data.source.init_args.root",
        "verbose",
    }
)
# Callbacks of Lightning that only show or save. Ours say so with ``presentation_only = True``.
PRESENTATION_CALLBACKS = frozenset(
    {
        "DeviceStatsMonitor",
        "LearningRateMonitor",
        "ModelCheckpoint",
        "ModelSummary",
        "ProgressBar",
        "RichModelSummary",
        "RichProgressBar",
        "TQDMProgressBar",
        "ThroughputMonitor",
    }
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a run computes; kept in ``run.json`` and in every checkpoint.

    Attributes:
        recipe: the settings that count, by dotted key; callbacks under ``trainer.callbacks``.
        data: a :class:`~holdfast.runs.fingerprint.Fingerprint` as plain values; empty where the
            data has none.
        files: size and hash of each file that a setting names, such as starting weights.
        seed: of the run.
        precision: of the trainer, such as ``32-true``.
        processes: how many train together.
        accelerator: ``cpu``, ``cuda``...
        threads: of one process; on a CPU they change how sums are rounded.
    """

    recipe: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    precision: str = "32-true"
    processes: int = 1
    accelerator: str = "cpu"
    threads: int = 1

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits over the recipe: the last part of the run directory's name."""
        return digest_of(self.recipe)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return found

    def of_launch(self) -> dict[str, Any]:
        """Return plain JSON values of what may differ between two launches of one run."""
        return {name: value for name, value in self.as_dict().items() if name != "recipe"}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where two identities of one run directory differ.

    Attributes:
        what: a phrase for people.
        decisive: whether the result would be that of another run; otherwise only its last bits are.
        acceptable: whether the run can go on in spite of it; its evaluations are of the same files.
    """

    what: str
    decisive: bool
    acceptable: bool = True


def digest_of(values: Any) -> str:  # noqa: ANN401  (JSON values)
    """Return ten hexadecimal digits over JSON values."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into dotted keys; lists and values stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def recipe_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a resolved configuration that change what is computed.

    Settings of presentation (loggers, progress, workers) and the folder of a source, which has a
    fingerprint, are left out, and so are absent values. A callback
    counts unless it declares itself presentation only.

    Args:
        config: the resolved configuration of one subcommand, as plain values.
    """
    kept = {
        key: value
        for key, value in flatten(config).items()
        if value is not None
        and not _within(key, PRESENTATION_KEYS)
        # A source that is a text is a folder, and the data's fingerprint says what is in it.
        and not (key == "data.source" and isinstance(value, str))
    }
    counted = [one for one in callbacks_of(config) if not is_presentation(one)]
    if counted:
        kept["trainer.callbacks"] = counted
    return kept


def callbacks_of(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the callbacks of a configuration, each as ``class_path`` and ``init_args``."""
    found = (config.get("trainer") or {}).get("callbacks") or []
    return list(found) if isinstance(found, list) else [found]


def is_presentation(callback: Mapping[str, Any]) -> bool:
    """Tell whether a configured callback only shows or saves what is computed.

    The class was imported when the configuration was parsed; nothing new is imported for a class
    that declares itself, and a class that cannot be found counts as one that computes.
    """
    path = str(callback.get("class_path") or "")
    module, _, name = path.rpartition(".")
    if module.startswith(("pytorch_lightning.", "lightning.")) or not module:
        return name in PRESENTATION_CALLBACKS
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return False
    # What a subclass adds may change what is computed: it has to declare that for itself.
    return isinstance(found, type) and bool(vars(found).get("presentation_only", False))


def without(recipe: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return a recipe without some keys and everything below them."""
    left_out = frozenset(keys)
    return {key: value for key, value in recipe.items() if not _within(key, left_out)}


def differences(before: Mapping[str, Any], now: Identity) -> list[Difference]:
    """Compare the identity in ``run.json`` with that of this launch.

    The recipe is not compared: it names the directory, so it is the same.
    """
    found = []
    if before.get("data") and now.data:
        change = describe_change(before["data"], now.data)
        if change:
            same_files = not has_other_files(before["data"], now.data)
            what = f"the data ({change})"
            found.append(Difference(what=what, decisive=True, acceptable=same_files))
    if isinstance(before.get("files"), Mapping):
        found += [
            Difference(what=f"the file that {key} names", decisive=True)
            for key in changed_keys([before["files"], now.files])
        ]
    for name, decisive in (
        ("seed", True),
        ("precision", True),
        ("processes", True),
        ("accelerator", False),
        ("threads", False),
    ):
        old, new = before.get(name), getattr(now, name)
        if old is not None and old != new:
            found.append(Difference(what=f"{name} ({old} before, {new} now)", decisive=decisive))
    return found


def changed_keys(recipes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys in which some recipes differ, sorted."""
    keys = sorted({key for recipe in recipes for key in recipe})
    return [key for key in keys if len({_text(recipe.get(key)) for recipe in recipes}) > 1]


def _text(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, sort_keys=True, default=str)


def _within(key: str, names: frozenset[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)
