"""A sweep's folder lies nowhere in what its runs read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dropout_ft.sweep.config import SweepConfig
from holdfast.cli.names import load_yaml
from holdfast.outputs import keep_apart

FOLDERS = frozenset({"source", "root"})
"""Last words of the settings of ``data`` that name a folder of images."""


def keep_sweep_apart(folder: Path, config: SweepConfig) -> None:
    """Refuse a folder of runs that is, or lies in, a configuration file or a folder of images.

    Among the images it would be a domain, and each run would be refused for it.

    Raises:
        ConfigError: names both.
    """
    variants = config.variants.values()
    files = [*config.fit, *(file for one in variants for file in one.fit)]
    sections = [content.get("data") for content in map(_mapping, files)]
    sections += [_mapping(config.data)] if config.data else []
    settings = [config.set, *(one.set for one in variants)]
    found = [text for section in sections for text in _folders(section)]
    found += [
        str(value)
        for one in settings
        for key, value in one.items()
        if key.startswith("data.") and key.rsplit(".", 1)[-1] in FOLDERS
    ]
    images = [text for text in found if Path(text).expanduser().is_dir()]
    keep_apart([folder], [*files, *([config.data] if config.data else []), *images])


def _mapping(file: str) -> Mapping[str, Any]:
    found = load_yaml(Path(file).read_text())
    return found if isinstance(found, Mapping) else {}


def _folders(section: Any, key: str = "") -> Iterator[str]:  # noqa: ANN401  (a YAML value)
    if isinstance(section, Mapping):
        for name, value in section.items():
            yield from _folders(value, str(name))
    elif isinstance(section, str) and key in FOLDERS:
        yield section
