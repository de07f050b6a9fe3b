"""The data that a run's record describes, made without importing anything that it names."""

from collections.abc import Iterable, Mapping
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

import dropout_ft.data.sources as ours
from dropout_ft.data.domains import DomainData
from dropout_ft.data.sources.base import Source
from holdfast.errors import DataError, HoldfastError
from holdfast.trusted import known_classes, unknown_class

_PLAIN = (str, int, float, bool, type(None))


def known_sources(others: Iterable[type[Source]] = ()) -> dict[str, type[Source]]:
    """Return the sources a file may name: ours, and those the user gives."""
    return known_classes([getattr(ours, name) for name in ours.__all__], others)


def recorded_data(config: object, where: object, others: Iterable[type[Source]] = ()) -> DomainData:
    """Return the data of a run; nothing is drawn, fetched or cached where only the record says.

    Args:
        config: the section ``data`` of the run's record, which may come from anyone.
        where: the record, for messages.
        others: classes of sources besides ours that the record may name.

    Raises:
        DataError: the section is damaged, or its source is a class that is not known.
    """
    if not isinstance(config, Mapping) or "source" not in config:
        raise DataError(f"{where} does not say what data the run had: train it again.")
    source = recorded_source(config["source"], where, others)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(DomainData, "data", skip={"source"})
    rest = {str(name): value for name, value in config.items() if name != "source"}
    try:
        checked = parser.parse_object({"data": rest})["data"].as_dict()
        return DomainData(source, **checked).from_record()
    except (ArgumentError, TypeError, ValueError) as error:
        raise _refused(where, error) from error


def recorded_source(
    found: Any,  # noqa: ANN401  (JSON)
    where: object,
    others: Iterable[type[Source]] = (),
) -> str | Source:
    """Return the source of a run, or the folder where that is all the record says.

    Raises:
        DataError: it is a class that is not known, or its options are damaged.
    """
    if isinstance(found, str):
        return found
    name = found.get("class_path") if isinstance(found, Mapping) else None
    options = (found.get("init_args") or {}) if isinstance(found, Mapping) else {}
    kind = known_sources(others).get(name) if isinstance(name, str) else None
    if kind is None:
        words = unknown_class("its source", name, "--source module.Class")
        raise DataError(f"{where} describes data that cannot be made: {words}.")
    if not isinstance(options, Mapping) or not all(map(_is_plain, options.values())):
        raise DataError(f"{where} describes a source with options that are no plain values.")
    try:
        return kind(**options)
    except HoldfastError:
        raise
    except (TypeError, ValueError) as error:
        raise _refused(where, error) from error


def _is_plain(value: object) -> bool:
    """Tell whether an option is a plain value or a list of them."""
    members = value if isinstance(value, list) else [value]
    return all(isinstance(member, _PLAIN) for member in members)


def _refused(where: object, error: Exception) -> DataError:
    reason = " ".join(str(error).split()).rstrip(".")
    return DataError(f"{where} describes data that cannot be made: {reason}.")
