"""DomainBed's data sets: folders, order, the digits made here, and what `data verify` finds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from domainbed_support import miniature
from dropout_ft.app import APP
from dropout_ft.data import ColoredDigits, DomainData, KnownFolder, RotatedDigits
from dropout_ft.data import known as sets
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.folder import Domain, scan
from dropout_ft.data.image_cache import CachedImages, ImageCache, shrink
from dropout_ft.data.sources import colored_digits, rotated_digits
from dropout_ft.data.sources.digits import read_digits
from dropout_ft.data.sources.known import check_domains, known_set, set_folder
from dropout_ft.data.splits import split_domain
from dropout_ft.data.verifying import duplicates, which_copy, wrong_counts
from holdfast.errors import ConfigError, DataError

PLAIN = ("PACS", "VLCS", "OfficeHome", "TerraIncognita", "DomainNet")
# Computed with DomainBed's own code: trial 0, environment 0.
FIRST_INDICES = {
    2048: ([548, 677, 1997, 977, 1553], [895, 510, 1575, 933, 362]),
    1415: ([222, 1032, 864, 859, 1037], None),
    2427: ([822, 1832, 2137, 511, 1675], None),
    4741: ([3653, 2511, 994, 423, 3012], None),
}


@pytest.mark.parametrize("name", [*PLAIN, "RotatedMNIST", "ColoredMNIST"])
def test_each_set_is_found_below_the_data_root_or_given_by_its_folder(
    name: str, tmp_path: Path
) -> None:
    kinds = {"RotatedMNIST": RotatedDigits, "ColoredMNIST": ColoredDigits}
    known = sets.KNOWN[name]
    folder = miniature(known, tmp_path)
    for root in (tmp_path, folder):
        source = kinds[name](str(root)) if name in kinds else KnownFolder(name, str(root))
        assert source.root == folder
        assert source.domain_names == list(known.domains)
        assert {len(domain.paths) for domain in source.domains()} == {15}


def test_an_unknown_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'OfficeHome'"):
        known_set("OficeHome")


def test_the_archives_own_name_is_accepted(tmp_path: Path) -> None:
    folder = miniature(sets.PACS, tmp_path)
    folder.rename(tmp_path / "kfold")
    assert set_folder(sets.PACS, tmp_path) == tmp_path / "kfold"


def test_real_world_may_be_spelled_with_an_underscore(tmp_path: Path) -> None:
    folder = miniature(sets.OFFICE_HOME, tmp_path)
    (folder / "Real World").rename(folder / "Real_World")
    data = DomainData(KnownFolder("OfficeHome", str(tmp_path)), ["3"])
    assert data.left_out() == (3,)


@pytest.mark.parametrize("count", FIRST_INDICES)
def test_domainbeds_very_indices(count: int) -> None:
    inside, outside = split_domain(count, domain=0)
    out, rest = FIRST_INDICES[count]
    assert list(outside[:5]) == out
    assert len(outside) == int(count * 0.2)
    if rest is not None:
        assert list(inside[:5]) == rest


def test_stray_and_missing_folders_are_named(tmp_path: Path) -> None:
    folder = miniature(sets.PACS, tmp_path)
    (folder / "backup").mkdir()
    with pytest.raises(DataError, match="stray folder backup"):
        DomainData(KnownFolder("PACS", str(tmp_path)), ["0"]).left_out()
    shutil.rmtree(folder / "photo")
    with pytest.raises(DataError, match="lacks photo"):
        check_domains(sets.PACS, folder)
    with pytest.raises(DataError, match="is not at"):
        check_domains(sets.VLCS, tmp_path / "VLCS")


def domain(name: str, count: int) -> Domain:
    return Domain(name=name, paths=tuple(Path(f"{i}") for i in range(count)), labels=(0,) * count)


def test_terras_two_sizes_are_both_right_and_a_mixture_is_not() -> None:
    terra = sets.TERRA_INCOGNITA
    for place in range(2):
        domains = [domain(name, terra.counts[name][place]) for name in terra.domains]
        assert wrong_counts(terra, domains, 10) == []
    mixed = [domain(n, terra.counts[n][i % 2]) for i, n in enumerate(terra.domains)]
    (problem,) = wrong_counts(terra, mixed, 10)
    assert "different copies" in problem
    assert "24330" in which_copy(terra, 24788)
    assert which_copy(terra, 5) == ""
    wrong = [domain("location_100", 7)]
    assert wrong_counts(terra, wrong, 9) == [
        "9 classes where TerraIncognita has 10",
        "domain 'location_100' has 7 pictures, not 4879 or 4741",
    ]


def test_files_of_equal_content_are_found_across_domains(tmp_path: Path) -> None:
    folder = miniature(sets.VLCS, tmp_path)
    source = folder / "LabelMe/class_0/0.png"
    shutil.copy(source, folder / "SUN09/class_1/copy.png")
    (pair,) = duplicates(scan(folder))
    assert pair == (source, folder / "SUN09/class_1/copy.png")


def test_verify_by_name_and_by_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = miniature(sets.PACS, tmp_path)
    assert APP.main(["data", "verify", "PACS", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "3 classes where PACS has 7" in printed.out
    assert "5 problem(s)" in printed.err
    shutil.copy(folder / "photo/class_0/0.png", folder / "sketch/class_0/again.png")
    assert APP.main(["data", "verify", str(folder)]) == 0
    assert "photo/class_0/0.png = sketch/class_0/again.png" in capsys.readouterr().out
    assert APP.main(["data", "verify", "nowhere"]) == 1
    assert "no folder 'nowhere'" in capsys.readouterr().err
    assert APP.main(["data", "verify"]) == 1


def test_the_list_says_where_each_set_is_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    miniature(sets.VLCS, tmp_path)
    assert APP.main(["data", "list", "--root", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert f"expected at {tmp_path / 'VLCS'} (there)" in printed
    assert f"expected at {tmp_path / 'PACS'} (not there)" in printed


def test_rotated_digits_are_turned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["data", "make", "RotatedMNIST", "--root", str(tmp_path)]) == 0
    folder = tmp_path / "rotated_digits"
    assert f"1797 pictures in {folder}" in capsys.readouterr().out
    domains = scan(folder)
    assert [d.name for d in domains] == ["0", "15", "30", "45", "60", "75"]
    assert sum(len(d.paths) for d in domains) == 1797
    pictures, digits = read_digits()
    path = domains[0].paths[0]
    assert str(digits[int(path.stem)]) == path.parent.name
    assert np.array_equal(np.asarray(read_rgb(path))[..., 0], pictures[int(path.stem)])
    turned = domains[5].paths[0]
    expected = Image.fromarray(pictures[int(turned.stem)]).convert("RGB").rotate(75, 2)
    assert np.array_equal(np.asarray(read_rgb(turned)), np.asarray(expected))
    assert rotated_digits.make(folder) == 1797  # made once


def test_colours_agree_with_labels_as_often_as_the_domain_says(tmp_path: Path) -> None:
    folder = tmp_path / "colored_digits"
    colored_digits.make(folder)
    _, digits = read_digits()
    for one, expected in zip(scan(folder), (0.9, 0.8, 0.1), strict=True):
        pixels = [np.asarray(read_rgb(path)) for path in one.paths]
        colours = np.array([int(p[..., 1].max() > p[..., 0].max()) for p in pixels])
        labels = np.array([int(path.parent.name) for path in one.paths])
        small = np.array([int(digits[int(path.stem)] < 5) for path in one.paths])
        assert np.mean(colours == labels) == pytest.approx(expected, abs=0.05)
        assert np.mean(labels == small) == pytest.approx(0.75, abs=0.06)
        assert all(p[..., 2].max() == 0 for p in pixels)


def test_only_digits_can_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["data", "make", "PACS", "--root", str(tmp_path)]) == 1
    assert "get it from its authors" in capsys.readouterr().err


def test_fewer_pictures_are_evaluated_where_asked(tmp_path: Path) -> None:
    miniature(sets.PACS, tmp_path, per_class=10)
    source = KnownFolder("PACS", str(tmp_path))
    data = DomainData(source, ["1"], eval_images=4)
    data.setup()
    counts = {
        (d, held): int(((data.table.domain == d) & (data.table.held_out == held)).sum())
        for d in range(4)
        for held in (True, False)
    }
    assert counts == {(d, held): 4 * (held or d == 1) for d in range(4) for held in (True, False)}
    whole = DomainData(source, ["1"])
    whole.setup()
    assert set(data.table.paths) <= set(whole.table.paths)
    assert [len(g) for g in data._parts().groups] == [len(g) for g in whole._parts().groups]


def test_cached_pictures_are_the_pictures(tmp_path: Path) -> None:
    paths = [path for one in scan(miniature(sets.VLCS, tmp_path)) for path in one.paths]
    cache = ImageCache(tmp_path / "cache", side=24)
    cached = cache.build(paths, tmp_path)
    assert len(cached) == len(paths)
    for place in (0, 7, len(paths) - 1):
        assert np.array_equal(np.asarray(cached[place]), np.asarray(read_rgb(paths[place])))
    before = (tmp_path / "cache").stat().st_mtime_ns
    assert np.array_equal(np.asarray(cache.build(paths, tmp_path)[3]), np.asarray(cached[3]))
    assert (tmp_path / "cache").stat().st_mtime_ns == before


def test_large_pictures_are_shrunk_and_small_ones_stay() -> None:
    assert shrink(Image.new("RGB", (400, 300)), 150).size == (200, 150)
    assert shrink(Image.new("RGB", (100, 90)), 150).size == (100, 90)


def test_a_damaged_cache_is_refused(tmp_path: Path) -> None:
    index, file = tmp_path / "a.json", tmp_path / "a.bin"
    index.write_text(json.dumps([[2, 2]]))
    file.write_bytes(b"\0" * 11)
    with pytest.raises(DataError, match="damaged"):
        CachedImages(file, index)
    file.write_bytes(bytes(range(12)))
    assert np.asarray(CachedImages(file, index)[0]).ravel().tolist() == list(range(12))


def test_training_reads_the_cache(tmp_path: Path) -> None:
    miniature(sets.PACS, tmp_path / "data")
    words = [
        "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data", "configs/data/pacs.yaml",
        "--data.source.init_args.root", str(tmp_path / "data"), "--data.global_batch_size", "2",
        "--data.image_size", "32",
        "--data.cached_side", "20", "--run.root", str(tmp_path / "runs"),
    ]  # fmt: skip
    assert APP.main(words) == 0
    assert len(list((tmp_path / "data/cache").glob("pictures-*.bin"))) == 1
