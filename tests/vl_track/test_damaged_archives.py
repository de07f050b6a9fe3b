"""Archives with damaged headers: one sentence, whatever Python's readers raise."""

import zipfile
from pathlib import Path

import pytest

from holdfast.errors import DataError
from vl_track.data.archives import open_archive
from vl_track.data.trees import open_tree


@pytest.mark.parametrize("offset", [6, 8])
def test_damaged_archives_of_results_and_frames_are_one_sentence(
    tmp_path: Path, offset: int
) -> None:
    path = tmp_path / "results.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.txt", "1,2,3,4\n")
    damaged = bytearray(path.read_bytes())
    damaged[offset : offset + 2] = b"\x63\x08"
    damaged[30] = 0xC8
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"results\.zip"):
        open_tree(path)
    with pytest.raises(DataError, match=r"results\.zip"):
        open_archive(path).read("one.txt")
