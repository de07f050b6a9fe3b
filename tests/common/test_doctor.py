"""`holdfast doctor` finds what was broken on purpose, and says what mends it."""

import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.doctor import checks
from holdfast.doctor.checks import Finding
from holdfast.doctor.command import main, report

Usage = namedtuple("Usage", "total used free")


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    return found


def test_this_installation_is_healthy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # How full a tester's disk is says nothing of the installation.
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**12, 0, 10**12))
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "nothing to mend" in shown
    for name in ("python", "torch pair", "pytorch-lightning", "gpu", "jpeg", "data root", "disk"):
        assert name in shown or name == "disk"


def test_it_starts_as_a_command_of_its_own() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("holdfast"), "x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no command 'x'" in done.stderr


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main([]) == 2
    assert "usage: holdfast doctor" in capsys.readouterr().out


def test_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    found = only(checks.python())
    assert (found.verdict, found.what) == ("bad", "3.10.4, and 3.11 is needed")


def test_missing_and_old_packages_and_a_compromised_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lightning 2.6.2 and 2.6.3 were compromised; our bound is above them."""
    real = checks.installed
    changed = {"pytorch-lightning": "2.6.2", "timm": None, "numpy": "1.0"}
    monkeypatch.setattr(checks, "installed", lambda name: changed.get(name, real(name)))
    found = {finding.name: finding for finding in checks.packages()}
    assert "2.6.2, and " in found["pytorch-lightning"].what
    assert ">=2.6.4" in found["pytorch-lightning"].mend
    assert (found["timm"].verdict, found["timm"].what) == ("bad", "not installed")
    assert found["timm"].mend.startswith("pip install 'timm")
    assert found["numpy"].verdict == "bad"
    assert found["torch"].verdict == "good"


def test_bounds_of_several_packages_hold_together(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "holdfast-common": ["pillow>=12", "onnx>=1; extra == 'onnx'"],
        "holdfast-dropout-ft": ["holdfast-common", "pillow<13"],
    }
    monkeypatch.setattr(checks, "requires", lambda name: texts.get(name, []))
    monkeypatch.setattr(checks, "installed", lambda name: "14.0")
    assert list(checks.required()) == ["pillow"]
    (found,) = checks.packages()
    assert found.verdict == "bad"
    assert ">=12" in found.mend
    assert "<13" in found.mend


@pytest.mark.parametrize(
    ("needs", "torch", "verdict"),
    [
        ("torch (>=2.14.0)", "2.14.1+cu130", "good"),
        ("torch==2.14.0", "2.14.0+cpu", "good"),
        ("torch==2.14.0", "2.13.0", "bad"),
        ("numpy", "9.9", "good"),
    ],
)
def test_torchs_pair(needs: str, torch: str, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "requires", lambda name: [needs])
    monkeypatch.setattr(checks, "installed", {"torch": torch, "torchvision": "0.29.0"}.get)
    found = only(checks.torch_pair())
    assert found.verdict == verdict
    if verdict == "bad":
        assert "one pip command" in found.mend
    monkeypatch.setattr(checks, "installed", {}.get)
    assert checks.torch_pair() == [], "missing packages are said elsewhere"


def test_a_pair_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "installed", {"torch": "2.14.1", "torchvision": "0.29.1"}.get)
    monkeypatch.setattr(checks, "requires", lambda name: [])

    def broken(name: str) -> object:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("importlib.import_module", broken)
    found = only(checks.torch_pair())
    assert found.verdict == "bad"
    assert "nms does not exist" in found.what


@pytest.mark.parametrize(
    ("there", "driver", "verdict"),
    [(True, True, "good"), (False, True, "bad"), (False, False, "note")],
)
def test_gpus(there: bool, driver: bool, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_available=lambda: there, device_count=lambda: 2, get_device_name=lambda i: f"GPU {i}"
    )
    fake = SimpleNamespace(cuda=cuda, get_num_threads=lambda: 2)
    monkeypatch.setattr("importlib.import_module", lambda name: fake)
    monkeypatch.setattr(shutil, "which", lambda name: "/x" if driver else None)
    found = only(checks.gpu())
    assert found.verdict == verdict
    assert there == ("GPU 1" in found.what)


def test_optional_packages_are_notes_with_their_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for found in checks.optional():
        assert found.verdict == "note"
        assert found.mend.startswith("pip install")


def test_a_decoder_that_changes_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    import simplejpeg

    decode = simplejpeg.decode_jpeg
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda content: decode(content) // 2)
    assert only(checks.jpeg()).verdict == "bad"


def test_the_data_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path / "none"))
    assert only(checks.data()).verdict == "note"
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path))
    assert only(checks.data()).verdict == "good"
    assert list(tmp_path.iterdir()) == [], "nothing stays behind"


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)

    def refuse(**_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)  # root may write anywhere
    found = checks.writable("results", tmp_path)
    tmp_path.chmod(0o700)
    assert found.verdict == "bad"
    assert "Permission denied" in found.what
    assert found.mend == f"chmod u+w {tmp_path}"


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1, 1, int(1.5e9)))
    assert [f.verdict for f in checks.disk()] == ["bad", "bad", "good"]
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "1.5 GB free" in shown
    assert "2 thing(s) to mend" in shown


def test_the_report_puts_the_cure_below_the_illness() -> None:
    text = report(
        [
            Finding(name="a", verdict="good", what="fine"),
            Finding(name="long name", verdict="bad", what="broken", mend="mend it"),
        ]
    )
    assert text.splitlines() == [
        "  ok  a          fine", " BAD  long name  broken", "                 -> mend it",
        "1 thing(s) to mend",
    ]  # fmt: skip
