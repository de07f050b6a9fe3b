"""Reading the sweep folders that DomainBed (and our export) writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.errors import DataError

RESULTS = "results.jsonl"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One evaluation of one run: a line of DomainBed's ``results.jsonl`` (``scripts/train.py``).

    Attributes:
        dataset: DomainBed's name, for example ``PACS``.
        algorithm: for example ``ERM``.
        test_envs: positions of the domains left out, one or two of them.
        trial_seed: DomainBed's split seed, which also names the repeat.
        hparams_seed: which hyper-parameters.
        step: optimiser step.
        accuracies: ``env{i}_in_acc`` and ``env{i}_out_acc``, in [0, 1].
        hparams: the hyper-parameters, as they were written.
    """

    dataset: str
    algorithm: str
    test_envs: tuple[int, ...]
    trial_seed: int
    hparams_seed: int
    step: int
    accuracies: Mapping[str, float]
    hparams: Mapping[str, Any]

    def accuracy(self, env: int, part: str) -> float:
        """Accuracy on the ``in`` (80 %) or ``out`` (20 %) part of a domain; nan if not evaluated.

        The very-large-dropout code writes -1 where it did not evaluate.
        """
        value = self.accuracies.get(f"env{env}_{part}_acc", float("nan"))
        return float("nan") if value < 0 else value

    @property
    def envs(self) -> int:
        """How many domains there are; counted as DomainBed does, by the ``out`` accuracies."""
        count = 0
        while f"env{count}_out_acc" in self.accuracies:
            count += 1
        return count


def read_sweep(folder: str | Path) -> list[Record]:
    """Read every run of a sweep folder: ``<folder>/<any name>/results.jsonl``.

    Args:
        folder: of a sweep; a single run's folder is accepted too.

    Raises:
        DataError: the folder has no records, or a line is damaged (file and line are named).
    """
    root = Path(folder).expanduser()
    records = [record for file in sweep_files(root) for record in _read_run(file)]
    if not records:
        raise DataError(
            f"{root} holds no records: give a folder whose sub-folders have {RESULTS}, as "
            "DomainBed's sweep or `dropout-ft domainbed-export` write it."
        )
    return records


def sweep_files(folder: str | Path) -> list[Path]:
    """Return the files of records of a sweep folder, or of a single run's."""
    root = Path(folder).expanduser()
    own = root / RESULTS
    return [own] if own.is_file() else sorted(root.glob(f"*/{RESULTS}"))


def _read_run(path: Path) -> list[Record]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}): remove that run.") from error
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_record(json.loads(line)))
        except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{path}, line {number}, is not a DomainBed record "
                f"({type(error).__name__}: {error}): remove the line or the run."
            ) from error
    return records


def _record(found: Mapping[str, Any]) -> Record:
    args = found["args"]
    return Record(
        dataset=str(args["dataset"]),
        algorithm=str(args["algorithm"]),
        test_envs=tuple(int(env) for env in args["test_envs"]),
        trial_seed=int(args["trial_seed"]),
        hparams_seed=int(args["hparams_seed"]),
        step=int(found["step"]),
        accuracies={key: float(v) for key, v in found.items() if key.endswith("_acc")},
        hparams=dict(found.get("hparams") or {}),
    )
