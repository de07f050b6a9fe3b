"""The three wheels work outside of the repository, in an environment that knows nothing of it."""

import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from conftest import CONFIGS, REPOSITORY, make_pictures
from readme_support import blocks, command_lines, readme, shortened
from tests_support import unpack

PACKAGES = ("common", "dropout_ft", "vl_track")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="README's commands are for a POSIX shell"),
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build the wheels from a copy, as anyone would from a clone; nothing is downloaded."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("packages", "configs"):
        shutil.copytree(
            REPOSITORY / name, clone / name, symlinks=True,
            ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"),
        )  # fmt: skip
    shutil.copy(REPOSITORY / "LICENSE", clone / "LICENSE")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    build += ["--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", "wheels"]
    subprocess.run([*build, *(f"./packages/{one}" for one in PACKAGES)], cwd=clone, check=True)
    return sorted((clone / "wheels").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheels, which borrows every other package from this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)
    packages = next(place.glob("lib/python*/site-packages"))
    # A path in a .pth file is searched, but its own .pth files (our editable install) are not read.
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin/python"), "install"]
    pip += ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    pip += ["--force-reinstall", "--ignore-installed"]
    subprocess.run([*pip, *map(str, wheels)], check=True)
    return place


def shell(command: str, environment: Path, folder: Path) -> str:
    """Run a command line in an environment, far from the repository."""
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables |= {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=variables,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_wheels_are_whole(wheels: list[Path]) -> None:
    names = {wheel.name.split("-")[0]: zipfile.ZipFile(wheel).namelist() for wheel in wheels}
    assert set(names) == {"holdfast_common", "holdfast_dropout_ft", "holdfast_vl_track"}
    for files in names.values():
        assert any(name.endswith("licenses/LICENSE") for name in files)
        assert any(name.endswith("py.typed") for name in files)
    recipes = {name.removeprefix("holdfast/configs/") for name in names["holdfast_common"]}
    assert {str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob("*.yaml")} <= recipes
    assert "vl_track/weights/small/config.json" in names["holdfast_vl_track"]


def test_the_repository_has_one_copy_of_the_recipes() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*paper_resnet50.yaml"], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert tracked.stdout.split() == ["configs/dropout_ft/paper_resnet50.yaml"]


def test_the_environment_has_the_wheels(installed: Path, tmp_path: Path) -> None:
    code = "import holdfast, dropout_ft, vl_track; print(holdfast.__file__, dropout_ft.__file__)"
    for path in shell(f'python -c "{code}"', installed, tmp_path).split():
        assert Path(path).is_relative_to(installed)


def test_readmes_pictures_section_as_printed(installed: Path, tmp_path: Path) -> None:
    """Every command as printed; only `advise` and `fit` are made short."""
    make_pictures(tmp_path / "pictures", domains=("site_a", "site_b", "site_c"), size=64)
    shutil.copytree(tmp_path / "pictures/site_b/red", tmp_path / "new_pictures")
    lines = [
        line
        for block in blocks(readme())
        if block.section == "Your pictures" and block.language == "bash"
        for line in command_lines(block.text)
    ]
    printed = [line.split()[1] for line in lines]
    assert printed == ["verify", "advise", "predict", "estimate", "fit", "export"]
    shell("\n".join(map(shortened, lines)), installed, tmp_path)
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 11
    assert (tmp_path / "exported/model.safetensors").is_file()
    code = (
        "import timm; timm.create_model('local-dir:exported', pretrained=True); "
        "import dropout_ft; dropout_ft.load('exported')"
    )
    shell(f'python -c "{code}"', installed, tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        "vl-track --version && dropout-ft --version",
        "dropout-ft fit --config dropout_ft:tiny --config methods:sma --print_config | grep -q ema",
        "vl-track fit --config vl_track:scenes_tiny --config hardware:cpu --print_config "
        "| grep -q 'accelerator: cpu'",
        "dropout-ft fit --help && vl-track track --help",
    ],
)
def test_recipes_and_pages_from_a_wheel(command: str, installed: Path, tmp_path: Path) -> None:
    shell(command, installed, tmp_path)


def test_a_source_archive_makes_the_same_wheel(tmp_path: Path) -> None:
    for name in ("packages/common", "configs"):
        shutil.copytree(
            REPOSITORY / name, tmp_path / name, symlinks=True,
            ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"),
        )  # fmt: skip
    shutil.copy(REPOSITORY / "LICENSE", tmp_path / "LICENSE")
    code = "from setuptools import build_meta as b; print(b.build_sdist('{}'))"
    command = [sys.executable, "-c", code.format(tmp_path)]
    subprocess.run(
        command, cwd=tmp_path / "packages/common", check=True, capture_output=True, text=True
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    unpack(Path(archive), tmp_path / "out")
    (tree,) = (tmp_path / "out").iterdir()
    assert (tree / "configs/dropout_ft/paper_resnet50.yaml").is_file()
    assert not (tree / "LICENSE").is_symlink()
