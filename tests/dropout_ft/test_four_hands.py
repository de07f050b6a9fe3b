"""FourHands: its list, its drawing from small packages, its protocols, and the real packages."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_ft.app import APP
from dropout_ft.data import DomainData, FourHands
from dropout_ft.data.folder import scan
from dropout_ft.data.recorded import recorded_source
from dropout_ft.data.sources import four_hands_drawing as drawing
from emoji_support import SQUARE, pack
from four_hands_support import small_four_hands_root
from holdfast.errors import ConfigError, DataError, MissingToolError

LIST = """domain,class,package,file
photograph,bird,tuxpaint-stamps-default,animals/owl.png
photograph,plant,tuxpaint-stamps-default,animals/moss.png
clip_art,bird,openclipart-png,animals/owl.png
clip_art,plant,openclipart-png,animals/moss.png
flat,bird,twemoji,owl
flat,plant,twemoji,moss
line,bird,fluent-emoji-high-contrast,owl
line,plant,fluent-emoji-high-contrast,moss
"""
NAMES = ("owl", "moss")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data root with four small packages of two pictures each, and a list that names them."""
    packages = tmp_path / "packages"
    for name, package in drawing.DEBIAN.items():
        place = packages / name / package.folder / "animals"
        place.mkdir(parents=True)
        canvas = Image.new("RGBA", (60, 40))
        canvas.paste((200, 0, 0, 255), (10, 10, 30, 20))
        for picture in NAMES:
            canvas.save(place / f"{picture}.png")
    styles = {}
    for name in ("twemoji", "fluent-emoji-high-contrast"):
        style = drawing.EMOJI[name]
        tarball = f"{style.package.lstrip('@').replace('/', '-')}-{style.version}.tgz"
        icons = {"width": 16, "height": 16, "icons": {n: {"body": SQUARE} for n in NAMES}}
        path = pack(packages, tarball, {"icons.json": icons, "chars.json": {}})
        styles[name] = replace(style, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(drawing, "EMOJI", styles)
    monkeypatch.setattr(drawing, "_list", lambda: LIST)
    drawing.pictures.cache_clear()
    yield tmp_path
    drawing.pictures.cache_clear()


def test_every_class_has_25_pictures_or_more_in_every_domain() -> None:
    counts = Counter((picture.domain, picture.label) for picture in drawing.pictures())
    assert {domain for domain, _ in counts} == {"clip_art", "flat", "line", "photograph"}
    assert len(counts) == 4 * 8
    assert min(counts.values()) >= 25
    assert max(counts.values()) <= 36


def test_no_picture_is_listed_twice() -> None:
    """A picture in two classes, or in two domains, would be a wrong label or a leak."""
    named = Counter((picture.package, picture.file) for picture in drawing.pictures())
    assert set(named.values()) == {1}
    rows = drawing.pictures()
    assert list(rows) == sorted(rows, key=lambda p: (p.domain, p.label, p.package, p.file))


def test_prepare_draws_the_list_and_records_licences(small: Path) -> None:
    folder = drawing.prepare(small)
    assert drawing.is_prepared(small)
    assert [domain.name for domain in scan(folder)] == ["clip_art", "flat", "line", "photograph"]
    record = json.loads((small / "four_hands.json").read_text())
    assert {(p["domain"], p["licence"], p["images"]) for p in record["packages"]} == {
        ("photograph", "GPL-2.0-only", 2), ("clip_art", "LicenseRef-public-domain", 2),
        ("flat", "CC-BY-4.0", 2), ("line", "MIT", 2),
    }  # fmt: skip
    assert all(package["attribution"] for package in record["packages"])
    assert (small / "four_hands_contact_sheet.png").is_file()


def test_what_is_drawn_fills_the_square_in_every_domain(small: Path) -> None:
    """Clip art lies anywhere on its canvas; its size and place must not tell the domain."""
    for path in sorted(drawing.prepare(small).rglob("*.png")):
        ink = (np.asarray(Image.open(path)) < drawing.WHITE).any(axis=2)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        longest = max(np.ptp(rows), np.ptp(columns)) + 1
        assert abs(longest - drawing.INNER) <= 1
        assert abs(rows.min() + rows.max() + 1 - drawing.SIDE) <= 1
        assert abs(columns.min() + columns.max() + 1 - drawing.SIDE) <= 1


def test_an_empty_picture_stays_white() -> None:
    assert np.asarray(drawing.framed(Image.new("RGBA", (9, 9)))).min() == 255


def test_a_package_of_another_version_is_named(small: Path) -> None:
    missing = next((small / "packages/openclipart-png").rglob("owl.png"))
    missing.unlink()
    with pytest.raises(DataError, match=r"openclipart-png has another version than ours"):
        drawing.prepare(small)
    assert not drawing.dataset_folder(small).exists()


def test_two_workers_prepare_it_once(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each deleted the folder that the other was drawing into."""
    drawn = []
    ordinary = drawing.framed

    def slow(image: Image.Image) -> Image.Image:
        drawn.append(image)
        time.sleep(0.02)
        return ordinary(image)

    monkeypatch.setattr(drawing, "framed", slow)
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(drawing.prepare, [small, small]))
    assert len(list(folders[0].rglob("*.png"))) == len(drawn) == len(drawing.pictures())


def test_a_folder_of_ones_own_is_not_replaced(small: Path) -> None:
    own = drawing.dataset_folder(small) / "mine.png"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    with pytest.raises(DataError, match=r"move the folder away"):
        drawing.prepare(small)
    assert own.read_bytes() == b"mine"


def test_a_changed_list_is_drawn_anew(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing.prepare(small)
    monkeypatch.setattr(drawing, "_list", lambda: LIST.replace("flat,bird", "flat,owl"))
    assert not drawing.is_prepared(small)


def test_without_debian_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"openclipart-png needs apt-get and dpkg-deb"):
        drawing.prepare(tmp_path)


def test_prepare_command(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["prepare", "four_hands", "--root", str(small)]) == 0
    written = capsys.readouterr().out
    assert "FourHands is in" in written
    for name in ("four_hands.json", "four_hands_contact_sheet.png"):
        assert str(small / name) in written


def test_photographs_to_line_trains_on_photographs_alone(tmp_path: Path) -> None:
    source = FourHands(str(small_four_hands_root(tmp_path)), only=["photograph", "line"])
    data = DomainData(source, ["line"], image_size=32, global_batch_size=2)
    data.prepare_data()
    data.setup("fit")
    assert source.domain_names == ["line", "photograph"]
    assert [domain.name for domain in source.domains()] == ["line", "photograph"]
    assert data.class_names == source.class_names
    assert len(source.class_names) == 8


def test_a_record_may_list_the_domains() -> None:
    """A recorded source took single values only: such a run could not be re-evaluated."""
    init = {"only": ["photograph", "line"]}
    found = recorded_source({"class_path": "dropout_ft.data.FourHands", "init_args": init}, "x")
    assert isinstance(found, FourHands)
    assert found.domain_names == ["line", "photograph"]
    for hostile in ([["photograph"]], [{"a": 1}]):
        other = {"class_path": "dropout_ft.data.FourHands", "init_args": {"only": hostile}}
        with pytest.raises(DataError, match="no plain values"):
            recorded_source(other, "x")


@pytest.mark.parametrize(
    ("only", "message"), [(["photo", "line"], "no domain 'photo'"), (["line"], "two domains")]
)
def test_wrong_domains_are_refused(only: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        FourHands(str(tmp_path), only=only)


@pytest.mark.nightly
@pytest.mark.needs_registry
def test_real_packages_hold_every_picture(tmp_path: Path) -> None:
    try:
        folder = drawing.prepare(tmp_path)
    except (DataError, MissingToolError) as error:
        pytest.skip(f"no registry or archive: {error}")
    counts = {domain.name: len(domain.paths) for domain in scan(folder)}
    assert counts == {"clip_art": 286, "flat": 282, "line": 278, "photograph": 255}
