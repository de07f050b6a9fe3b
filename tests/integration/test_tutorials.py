"""The tutorials of docs/tutorials work as printed: every command, file and program of a page, in
order, in an empty folder that holds nothing but the configurations."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import CONFIGS, REPOSITORY, make_pictures

PAGES = sorted((REPOSITORY / "docs/tutorials").glob("*.md"))
NEEDS_PICTURES = {"add_a_method", "add_a_data_set", "notebook", "to_a_cluster"}
LEFT_BEHIND = {
    "own_folder": ["advice/model/README.md", "advice/model/model.onnx", "answers.csv"],
    "own_video": ["seen.mp4", "boxes.csv", "coco.json", "mot.txt", "face-1/groundtruth.txt"],
    "reproduce_a_row": ["results/row/report/report.html", "results/domainbed"],
    "add_a_method": ["results/smooth/report/report.html"],
    "add_a_head": ["model/config.json", "boxes.csv"],
    "notebook": [],
    "add_a_data_set": ["videos/red_square/boxes.csv"],
    "to_a_cluster": ["results/mine/report/report.html"],
}
BY_DAY = {"notebook"}
"""The others take a minute each and are worked through in the night."""


class Block(NamedTuple):
    """A fenced block: what it is written in, and what it says."""

    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page that a reader would type; ``console`` is only to look at."""
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        if language != "console":
            yield Block(language, text)


def work_through(page: str, folder: Path) -> None:
    """Do what a page says."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    for language, text in blocks(page):
        named = re.match(r"# file: (\S+)\n", text)
        if named is not None:
            (folder / named[1]).write_text(text)
            continue
        assert language in {"bash", "python"}, f"nobody can run {language}"
        command = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
        done = subprocess.run(
            [*command[language], text], cwd=folder, env=environment, timeout=400,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_blocks_are_found_and_console_is_left_out() -> None:
    page = "a\n```bash\nls\n```\n```console\nrm -r /\n```\n\n```python\n# file: a.py\nx = 1\n```\n"
    assert list(blocks(page)) == [("bash", "ls\n"), ("python", "# file: a.py\nx = 1\n")]


def test_a_page_that_does_not_work_fails(tmp_path: Path) -> None:
    work_through("```bash\ntouch a\n```\n```yaml\n# file: b.yaml\nc: 1\n```\n", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b.yaml"}
    with pytest.raises(AssertionError, match="no-such-command"):
        work_through("```bash\nno-such-command\n```\n", tmp_path)
    with pytest.raises(AssertionError, match="nobody can run rust"):
        work_through("```rust\nmain\n```\n", tmp_path)


def test_every_tutorial_is_known_and_in_the_site() -> None:
    assert {page.stem for page in PAGES} == set(LEFT_BEHIND)
    site = (REPOSITORY / "zensical.toml").read_text()
    assert all(f"tutorials/{page.name}" in site for page in PAGES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=() if page.stem in BY_DAY else pytest.mark.nightly)
        for page in PAGES
    ],
)
def test_a_tutorial_works_as_printed(page: Path, tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(CONFIGS)
    if page.stem in NEEDS_PICTURES:
        make_pictures(tmp_path / "pictures", domains=("site_a", "site_b", "site_c"))
    work_through(page.read_text(), tmp_path)
    for name in LEFT_BEHIND[page.stem]:
        assert (tmp_path / name).exists(), name
