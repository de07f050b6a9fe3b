"""What is found, written at once: a machine that goes away takes nothing with it."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from holdfast.atomic import write_text


class Ledger:
    """Findings of a job by name, in a JSON file; what is finished is not done again.

    Args:
        path: the file. It is read if it is there.
        device: findings of another device are kept apart.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.path, self.card = path, card_of(device)
        self.found: dict[str, dict[str, Any]] = (
            json.loads(path.read_text()) if path.is_file() else {}
        )

    def __contains__(self, name: str) -> bool:
        row = self.found.get(self._key(name))
        return row is not None and row.get("outcome", "finished") == "finished"

    @property
    def failed(self) -> bool:
        """Whether a check did not pass or a command failed."""
        rows = self.found.values()
        return any(row.get("passed") is False or row.get("outcome") == "failed" for row in rows)

    def add(self, name: str, **values: Any) -> None:  # noqa: ANN401  (what JSON holds)
        """Keep a finding and write the file."""
        self.found[self._key(name)] = {"name": name, "card": self.card, **values}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, json.dumps(self.found, indent=1) + "\n")

    def markdown(self) -> str:
        """Return the findings as a table."""
        if not self.found:
            return "Nothing was measured.\n"
        rows = list(self.found.values())
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [columns, ["---"] * len(columns)]
        lines += [[str(row.get(column, "")) for column in columns] for row in rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _key(self, name: str) -> str:
        return f"{self.card}: {name}"


def card_of(device: str) -> str:
    """Return the name of what is measured on, with PyTorch's version."""
    if device == "cuda":
        where = torch.cuda.get_device_name()
    else:
        where = f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    return f"{where}, torch {torch.__version__}"
