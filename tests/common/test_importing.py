"""Imports without the collector, and a collector that works again afterwards."""

import gc
import subprocess
import sys

import pytest

from holdfast.cli.importing import first_imports

COMMAND = """
import gc, sys
from dropout_ft.app import APP
status = APP.main(["fit", "--help_full"])
print("collects" if gc.isenabled() else "off", gc.get_freeze_count(), status)
"""


def test_nothing_is_collected_inside() -> None:
    try:
        with first_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()


def test_a_failed_import_leaves_the_collector_on() -> None:
    try:
        with pytest.raises(ModuleNotFoundError), first_imports():
            import no_such_module  # noqa: F401
        assert gc.isenabled()
    finally:
        gc.unfreeze()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with first_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


def test_a_command_spares_its_imports_and_collects_after() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True
    )
    state, frozen, status = done.stdout.splitlines()[-1].split()
    assert (state, status) == ("collects", "0")
    assert int(frozen) > 100_000


def test_no_second_sparing_once_lightning_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Else every command in one process would keep its garbage for good."""
    import pytorch_lightning  # noqa: F401

    from dropout_ft.app import APP

    before = gc.get_freeze_count()
    assert APP.main(["fit", "--help"]) == 0
    assert gc.get_freeze_count() == before
    capsys.readouterr()
