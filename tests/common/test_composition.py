"""Any piece adds to any base and nothing is lost: all pairs of configs/ are parsed (A3)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet
from jsonargparse import Namespace

from conftest import CONFIGS
from holdfast.cli.composing import joined
from parsing_support import parsed

TINY = CONFIGS / "dropout_ft/tiny.yaml"
LISTS = ("callbacks", "logger")
PIECES = {
    "dropout_ft": ["methods", "hardware", "logger", "data"],
    "vl_track": ["hardware", "logger", "vl_track/data"],
}
Case = tuple[str, tuple[Path, ...]]


def bases_of(track: str) -> list[Path]:
    """Return the whole recipes of a track; a file of phases is no configuration of ``fit``."""
    found = sorted((CONFIGS / track).glob("*.yaml"))
    return [path for path in found if not path.stem.startswith("phases")]


def cases() -> Iterator[ParameterSet]:
    """Yield files to give at once, so that every base meets every piece of every room.

    Parsing a tracker takes half a second: but for two of each base, those cases are for the night.
    """
    for track, rooms in PIECES.items():
        pieces = [sorted((CONFIGS / room).glob("*.yaml")) for room in rooms]
        for first, base in enumerate(bases_of(track)):
            for turn in range(max(map(len, pieces))):
                others = [room[(2 * first + turn) % len(room)] for room in pieces]
                marks = pytest.mark.nightly if track == "vl_track" and turn > 1 else ()
                case: Case = (track, (base, *others))
                yield pytest.param(case, marks=marks, id=name_of(case))


def name_of(case: Case) -> str:
    return "+".join(str(file.relative_to(CONFIGS).with_suffix("")) for file in case[1])


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every setting of a file but lists of callbacks and loggers, dotted keys split."""
    for key, value in tree.items():
        place = (*path, *str(key).split("."))
        if isinstance(value, dict) and value:
            yield from leaves(value, place)
        elif place[-1] not in LISTS:
            yield place, value


def classes(tree: Any, key: str) -> list[str]:
    found = (tree.get("trainer") or {}).get(key) or []
    return [one["class_path"].rsplit(".", 1)[-1] for one in found]


def read(path: Path) -> dict[str, Any]:
    """Read a file as one would write it all in one, with those it names put in their places."""
    tree = yaml.safe_load(path.read_text())

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        if isinstance(value, str) and value.endswith(".yaml"):
            return filled(yaml.safe_load((path.parent / value).read_text()))
        return value

    found: dict[str, Any] = filled(tree)
    return {"data": found} if "data" in path.parent.parts else found


def value_at(config: Namespace, place: tuple[str, ...]) -> Any:
    found: Any = config
    for part in place:
        if isinstance(found, Namespace) and "class_path" in found and part not in found:
            found = found["init_args"]  # a class whose name may be left out
        found = found[part]
    return found.as_dict() if isinstance(found, Namespace) else found


def same(found: Any, written: Any) -> bool:
    """Compare what was parsed with what is written; defaults are filled in, paths made absolute."""
    if isinstance(written, list):
        pairs = zip(found, written, strict=False)
        return len(found) == len(written) and all(same(one, other) for one, other in pairs)
    if isinstance(written, dict):
        return all(same(found[key], value) for key, value in written.items())
    if isinstance(written, str) and written.startswith("${steps:"):
        return isinstance(found, int) and found > 0  # how many: test_steps.py
    return bool(found == written or str(found) == str(written))


def replaced(place: tuple[str, ...], tree: dict[str, Any]) -> bool:
    """Tell whether a later file sets this key, or the class it belongs to."""
    node: Any = tree
    for part in place:
        if not isinstance(node, dict):
            return True
        if "class_path" in node and part != "class_path":
            return True
        if part not in node:
            return False
        node = node[part]
    return True


def words_of(files: tuple[Path, ...]) -> list[str]:
    options = ["--data" if "data" in file.parent.parts else "--config" for file in files]
    return [word for pair in zip(options, map(str, files), strict=True) for word in pair]


@pytest.mark.parametrize("case", list(cases()))
def test_pieces_lose_nothing(case: Case) -> None:
    """Was: a piece with one callback silently dropped the base's weight averaging."""
    track, files = case
    config = parsed(track, *words_of(files))
    trees = [read(file) for file in files]
    for key in LISTS:
        kept = [one.class_path.rsplit(".", 1)[-1] for one in config.trainer.get(key) or []]
        assert {name for tree in trees for name in classes(tree, key)} == set(kept)
        assert len(kept) == len(set(kept)), "one class twice is an error of Lightning"
    for number, tree in enumerate(trees):
        for place, value in leaves(tree):
            if not any(replaced(place, later) for later in trees[number + 1 :]):
                assert same(value_at(config, place), value), place


def test_the_order_of_files_does_not_matter_to_lists() -> None:
    files = [CONFIGS / "dropout_ft/paper_resnet50.yaml", CONFIGS / "methods/segments.yaml",
             CONFIGS / "methods/test_domains_when_best.yaml"]  # fmt: skip
    kinds = []
    for order in (files, files[::-1]):
        words = [word for file in order for word in ("--config", str(file))]
        callbacks = parsed("dropout_ft", *words).trainer.callbacks
        kinds.append(sorted(one.class_path for one in callbacks))
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) == 3


def test_both_services_at_once() -> None:
    files = (TINY, CONFIGS / "logger/wandb.yaml", CONFIGS / "logger/mlflow.yaml")
    loggers = parsed("dropout_ft", *words_of(files)).trainer.logger
    assert [one.class_path.rsplit(".", 1)[-1] for one in loggers] == [
        "CSVLogger", "WandbLogger", "MLFlowLogger",
    ]  # fmt: skip


def test_a_callback_of_the_same_class_takes_the_place_of_the_earlier() -> None:
    """Two weight averagings in one run would be an error of Lightning."""
    callbacks = parsed(
        "dropout_ft", "--config", str(CONFIGS / "dropout_ft/paper_resnet50.yaml"),
        "--config", str(CONFIGS / "methods/sma.yaml"),
    ).trainer.callbacks  # fmt: skip
    assert len(callbacks) == 1
    assert callbacks[0].init_args.start_step == 100


def test_checkpoints_with_other_monitors_stand_beside_each_other(tmp_path: Path) -> None:
    files = []
    for monitor in ("val/iid", "val/ood"):
        files.append(tmp_path / f"{monitor[-3:]}.yaml")
        files[-1].write_text(
            "trainer: {callbacks: [{class_path: pytorch_lightning.callbacks.ModelCheckpoint, "
            f"init_args: {{monitor: {monitor}}}}}]}}"
        )
    callbacks = parsed("dropout_ft", *words_of((TINY, *files, files[0]))).trainer.callbacks
    assert [one.init_args.monitor for one in callbacks] == ["val/iid", "val/ood"]


def test_a_later_early_stopping_of_the_same_monitor_takes_its_place(tmp_path: Path) -> None:
    """It was kept beside the earlier one, so patience 50 could not replace 3."""
    files = []
    for number, (monitor, patience) in enumerate((("val/iid", 3), ("val/iid", 50), ("loss", 7))):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(
            "trainer: {callbacks: [{class_path: pytorch_lightning.callbacks.EarlyStopping, "
            f"init_args: {{monitor: {monitor}, patience: {patience}}}}}]}}"
        )
    callbacks = parsed("dropout_ft", *words_of((TINY, *files))).trainer.callbacks
    assert [one.init_args.patience for one in callbacks] == [50, 7]


def test_checkpoints_at_other_intervals_stand_beside_each_other() -> None:
    """The monitor is none for both; one of them would silently be lost."""
    name = "pytorch_lightning.callbacks.ModelCheckpoint"
    often, rarely, again = (
        {"class_path": name, "init_args": {"every_n_train_steps": n, "filename": file}}
        for n, file in ((10, "a"), (1000, "b"), (10, "c"))
    )
    assert joined([often], [rarely]) == [often, rarely]
    assert joined([often, rarely], [again]) == [again, rarely]


@pytest.mark.parametrize("empty", ["null", "[]"])
def test_an_empty_list_empties(empty: str, tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text(f"trainer: {{callbacks: {empty}}}")
    base = ("--config", str(CONFIGS / "dropout_ft/paper_resnet50.yaml"))
    assert not parsed(
        "dropout_ft", *base, "--config", str(tmp_path / "none.yaml")
    ).trainer.callbacks
    assert not parsed("dropout_ft", *base, f"--trainer.callbacks={empty}").trainer.callbacks


def test_a_file_inside_of_a_file_adds_too(tmp_path: Path) -> None:
    outer = tmp_path / "outer.yaml"
    outer.write_text(f"config: {CONFIGS / 'methods/test_domains_when_best.yaml'}\n")
    base = ("--config", str(CONFIGS / "dropout_ft/paper_resnet50.yaml"))
    assert len(parsed("dropout_ft", *base, "--config", str(outer)).trainer.callbacks) == 2


def test_a_list_within_one_file_is_taken_as_it_is() -> None:
    twice = [{"class_path": "holdfast.training.callbacks.StopDiverged"}] * 2
    assert joined([], twice) == twice
    assert joined(twice, []) == twice
    assert joined(twice, twice[:1]) == twice
