"""One function for each thing that can be wrong; none of them changes anything."""

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from holdfast.data.roots import data_root
from holdfast.optional import find_package

Verdict = Literal["good", "note", "bad"]
OLDEST_PYTHON = (3, 11)
LEAST_FREE_GB = 5.0
OURS = ("holdfast-common", "holdfast-dropout-ft", "holdfast-vl-track")
OPTIONAL = {
    "av": ("reading and writing video", "pip install holdfast-vl-track"),
    "cv2": ("crops and drawing", "pip install opencv-contrib-python-headless"),
    "starlette": ("the pages of the demo commands", "pip install starlette uvicorn"),
    "nvidia.nvimgcodec": (
        "training decodes only what it crops",
        "pip install 'holdfast-vl-track[regions]'",
    ),
    "onnxruntime": ("export --formats onnx", "pip install onnx onnxscript onnxruntime"),
    "ray": ("sweeps on a cluster", "pip install 'ray[default]'"),
    "submitit": ("sweeps on Slurm", "pip install submitit"),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        name: of the check.
        verdict: ``bad`` if something will fail, ``note`` if something is worth knowing.
        what: in words.
        mend: the command or step that helps; empty where nothing is wrong.
    """

    name: str
    verdict: Verdict
    what: str
    mend: str = ""


def python() -> list[Finding]:
    """Is Python new enough?"""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return [_bad("python", f"{found}, and 3.11 is needed", "make setup PYTHON=python3.11")]
    return [_good("python", f"{found}, {sys.executable}")]


def packages() -> list[Finding]:
    """Are the packages that ours require there, in the releases they require?"""
    findings = []
    for name, requirement in required().items():
        found = installed(name)
        if found is None:
            findings.append(_bad(name, "not installed", f"pip install '{requirement}'"))
        elif found not in requirement.specifier:
            what = f"{found}, and {requirement.specifier} is needed"
            findings.append(_bad(name, what, f"pip install -U '{requirement}'"))
        else:
            findings.append(_good(name, found))
    return findings


def required() -> dict[str, Requirement]:
    """Return what the installed ones of our packages require, by name; extras are left out."""
    found: dict[str, Requirement] = {}
    for owner in OURS:
        if installed(owner) is None:
            continue
        for text in requires(owner) or []:
            one = Requirement(text)
            if one.name in OURS or (one.marker and not one.marker.evaluate({"extra": ""})):
                continue
            other = found.get(one.name)
            if other is not None:
                one.specifier &= other.specifier
            found[one.name] = one
    return found


def torch_pair() -> list[Finding]:
    """Do torch and torchvision belong together, and does torchvision's operator load?"""
    torch, vision = installed("torch"), installed("torchvision")
    if torch is None or vision is None:
        return []
    for needed in map(Requirement, requires("torchvision") or []):
        if needed.name == "torch" and torch not in needed.specifier:
            what = f"torchvision {vision} needs torch{needed.specifier}, and {torch} is installed"
            mend = "install both in one pip command, from one source"
            return [_bad("torch pair", what, mend)]
    try:
        getattr(importlib.import_module("torchvision.ops"), "nms")  # noqa: B009  (it is tried)
    except (ImportError, RuntimeError, AttributeError) as error:
        what = f"torchvision does not load beside torch {torch} ({error})"
        return [_bad("torch pair", what, "install both in one pip command, from one source")]
    return [_good("torch pair", f"torch {torch}, torchvision {vision}")]


def gpu() -> list[Finding]:
    """Is there a GPU, and can torch use it?"""
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return [_good("gpu", ", ".join(names))]
    if shutil.which("nvidia-smi"):
        what = "a driver is there, but torch cannot use it"
        return [_bad("gpu", what, "install the CUDA build of torch, or a newer driver")]
    cores = f"none; {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return [Finding(name="gpu", verdict="note", what=cores)]


def optional() -> list[Finding]:
    """Which optional packages are missing, and what for?"""
    return [
        _good(name, use)
        if find_package(name) is not None
        else Finding(name=name, verdict="note", what=f"not installed: {use}", mend=mend)
        for name, (use, mend) in OPTIONAL.items()
    ]


def jpeg() -> list[Finding]:
    """Does the JPEG decoder work?"""
    numpy, simplejpeg = (importlib.import_module(name) for name in ("numpy", "simplejpeg"))
    image = numpy.full((8, 8, 3), 100, numpy.uint8)
    again = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(image))
    if abs(int(again.mean()) - 100) > 2:
        return [_bad("jpeg", "a picture comes back changed", "pip install -U simplejpeg")]
    return [_good("jpeg", "decodes")]


def data() -> list[Finding]:
    """Is the data root there, and may it be written?"""
    root = data_root(None)
    if not root.is_dir():
        what = f"{root} is not there yet; the commands that need it make it"
        return [Finding(name="data root", verdict="note", what=what)]
    return [writable("data root", root)]


def disk() -> list[Finding]:
    """Is there room where runs and temporary files go?"""
    findings = []
    for name, folder in (("here", Path.cwd()), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / 1e9
        if free < LEAST_FREE_GB:
            what = f"{free:.1f} GB free at {folder}"
            findings.append(_bad(name, what, "free some space, or set TMPDIR elsewhere"))
        else:
            findings.append(_good(name, f"{free:.0f} GB free at {folder}"))
    return [*findings, writable("results", Path.cwd())]


def writable(name: str, folder: Path) -> Finding:
    """Try to write a file, and remove it."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as error:
        return _bad(name, f"{folder} cannot be written ({error.strerror})", f"chmod u+w {folder}")
    return _good(name, f"{folder} can be written")


def installed(name: str) -> str | None:
    """Return the version of a distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    python, packages, torch_pair, gpu, jpeg, optional, data, disk,
)  # fmt: skip


def _good(name: str, what: str) -> Finding:
    return Finding(name=name, verdict="good", what=what)


def _bad(name: str, what: str, mend: str) -> Finding:
    return Finding(name=name, verdict="bad", what=what, mend=mend)
