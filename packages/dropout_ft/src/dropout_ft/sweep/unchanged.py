"""Whether the data of a pool's finished runs are still what they were trained on."""

import json
from collections.abc import Mapping
from typing import Any

from dropout_ft.data.sources.base import Source
from dropout_ft.data.sources.given import as_source
from holdfast.console import say
from holdfast.errors import ConfigError, DataError
from holdfast.jobs.pool import Pool
from holdfast.runs.fingerprint import CHEAP_BYTES, describe_change
from holdfast.runs.record import read_record


def check_data(pool: Pool) -> None:
    """Compare the data of every finished run with the files that are there now.

    A finished job is not run again, so nothing else would notice. Each source is looked at once;
    one whose folder is gone is said and passed over, since its runs are still what they were.

    Raises:
        ConfigError: names the run and what has changed.
    """
    seen: dict[str, dict[str, Any]] = {}
    for job, folder in zip(pool.jobs, pool.folders(), strict=True):
        if folder.state() != "done":
            continue
        for path in sorted(folder.path.glob("*/run.json")):
            record = read_record(path)
            before = (record.get("identity") or {}).get("data")
            config = ((record.get("config") or {}).get("data") or {}).get("source")
            if not before or not config:
                continue
            key = json.dumps([config, bool(before.get("content"))], sort_keys=True)
            if key not in seen:
                seen[key] = _now(config, before)
            change = describe_change(before, seen[key]) if seen[key] else ""
            if change:
                raise ConfigError(
                    f"Since {job.name} in {folder.path} was trained, its data have changed "
                    f"({change}): take another --out, or delete that folder to train it again."
                )


def _now(config: Any, before: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401  (JSON)
    """Return the fingerprint of a source's files as they are; empty where it cannot be taken."""
    source = _source(config)
    if source is None or not source.root.exists():
        where = config if source is None else source.root
        say(f"note: the data of the finished runs cannot be compared with {where}.")
        return {}
    content = bool(before.get("content")) and int(before.get("bytes", 0)) <= CHEAP_BYTES
    return source.fingerprint(content=content).as_dict()


def _source(config: Any) -> Source | None:  # noqa: ANN401  (JSON)
    """Build one of our sources from a run's record; nothing else that a record names is built."""
    from dropout_ft.data.recorded import recorded_source  # noqa: PLC0415  (it imports torch)

    try:
        return as_source(recorded_source(config, "a finished run"))
    except DataError:
        return None
