"""The page's shifts, answers and refusals, without a browser."""

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dropout_ft.app import APP
from dropout_ft.commands import demo as command
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.sources import FourHands, four_hands_drawing
from dropout_ft.loading import load_classifier
from dropout_ft.page import shifting
from dropout_ft.page.shifting import Shift, answers, read_upload
from holdfast.errors import ConfigError, ImageError
from tests_support import only_run

pytest.importorskip("starlette", reason="the page's extra is not installed")

from dropout_ft.page.app import SANDBOX, SLIDERS, Page, read_shift
from dropout_ft.page.examples import find_examples, from_folder
from holdfast.serving.errors import PageError
from page_support import Served, served

CONFIG = Path(__file__).parents[2] / "configs/dropout_ft/tiny.yaml"


def picture(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    generator = np.random.default_rng(seed)
    downsample = Image.fromarray(generator.integers(0, 256, (4, 6, 3), dtype=np.uint8))
    return downsample.resize((width, height), Image.Resampling.BICUBIC)


def values(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


def test_without_a_shift_the_picture_stays() -> None:
    assert np.array_equal(values(Shift().of(picture())), values(picture()))


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 5), st.floats(0, 80), st.floats(0.1, 2), st.floats(-180, 180), st.floats(0, 2),
    st.floats(0.02, 1),
)  # fmt: skip
def test_every_shift_keeps_size_and_kind(
    blur: float, noise: float, contrast: float, rotation: float, colour: float, downsample: float
) -> None:
    shift = Shift(
        blur=blur,
        noise=noise,
        contrast=contrast,
        rotation=rotation,
        colour=colour,
        downsample=downsample,
    )
    found = shift.of(picture())
    assert (found.size, found.mode) == ((60, 40), "RGB")
    assert np.array_equal(values(found), values(shift.of(picture()))), "the same every time"


def test_each_shift_does_what_it_says() -> None:
    plain = values(picture())
    assert values(Shift(blur=5).of(picture())).std() < plain.std()
    noisy = values(Shift(noise=20).of(picture())) - plain
    assert 12 < noisy.std() < 22
    assert values(Shift(contrast=0.1).of(picture())).std() < 0.2 * plain.std()
    grey = values(Shift(colour=0).of(picture()))
    assert np.abs(grey[..., 0] - grey[..., 1]).max() == 0
    assert np.array_equal(values(Shift(rotation=180).of(picture())), plain[::-1, ::-1])
    assert len(np.unique(values(Shift(downsample=0.05).of(picture())).reshape(-1, 3), axis=0)) <= 6


@pytest.fixture(scope="module")
def checkpoints(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = []
    for dropout_rate in (0, 0.9):
        root = tmp_path_factory.mktemp("runs")
        words = [
            "fit", "--config", str(CONFIG), f"--data.source={pictures}",
            f"--run.root={root}", f"--model.dropout_rate={dropout_rate}",
        ]  # fmt: skip
        assert APP.main(words) == 0
        found.append(str(only_run(root) / "checkpoints/last.ckpt"))
    return found


def test_models_are_named_by_their_rate_or_as_asked(checkpoints: list[str], tmp_path: Path) -> None:
    assert list(command.named_models(checkpoints)) == ["ERM", "dropout 0.9"]
    # The folder that `advise` recommends to use does not say its rate: it was refused.
    folder = tmp_path / "model"
    assert APP.main(["export", "--ckpt", str(checkpoints[1]), "--out", str(folder)]) == 0
    assert list(command.named_models([str(folder)])) == ["model"]
    assert list(command.named_models([f"mine={checkpoints[0]}", checkpoints[1]])) == [
        "mine", "dropout 0.9",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="called 'ERM'"):
        command.named_models([checkpoints[0], checkpoints[0]])
    with pytest.raises(ConfigError, match="at least one"):
        command.named_models([])


def test_answers_are_those_of_predict(checkpoints: list[str], pictures: Path) -> None:
    path = next(pictures.rglob("*.png"), None) or next(pictures.rglob("*.jpg"))
    image = read_rgb(path)
    found = answers(command.named_models(checkpoints), image)
    loaded = load_classifier(checkpoints[1])
    from dropout_ft.commands.predict import classify

    ((_, expected),) = classify(loaded, [path], [], batch_size=1)
    shares = torch.tensor(list(found["dropout 0.9"].values()))
    assert torch.allclose(shares, expected[0], atol=1e-6)
    assert sum(found["ERM"].values()) == pytest.approx(1, abs=1e-5)


def test_too_large_a_picture_is_refused(
    checkpoints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifting, "MOST_PIXELS", 1000)
    with pytest.raises(ImageError, match="60 x 40 pixels"):
        answers(command.named_models(checkpoints), picture())


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """C3. Was: a PNG of 164 kB took 16.5 GB, and the server was killed."""
    path = tmp_path / "picture"
    Image.new("L", (9000, 9000)).save(path, "PNG")
    tracemalloc.start()
    with pytest.raises(ImageError, match=r"^The picture bomb\.png has 9000 x 9000 pixels"):
        read_upload(path, "bomb.png")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "AVIF"])
def test_bombs_of_every_format_are_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifting, "MOST_PIXELS", 1000)
    picture().save(tmp_path / "picture", kind)
    with pytest.raises(ImageError, match="60 x 40 pixels"):
        read_upload(tmp_path / "picture", "bomb")


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_an_upload_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    """C6. Was: the server's path and gradio's own sentence."""
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"^x\.png is no picture") as raised:
        read_upload(tmp_path / "x.png", "x.png")
    assert str(tmp_path) not in str(raised.value)


def test_noise_takes_no_more_memory_than_a_few_rows() -> None:
    big = Image.new("RGB", (2000, 3000))
    tracemalloc.start()
    Shift(noise=50).of(big)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2000 * 3000 * 3
    tracemalloc.stop()


def test_sliders_start_where_nothing_is_changed() -> None:
    plain = Shift()
    for name, (low, high, start, _, _) in SLIDERS.items():
        assert start == getattr(plain, name)
        assert low <= start <= high
    assert read_shift({}) == plain
    assert read_shift({"blur": 2}) == Shift(blur=2.0)
    for wrong in ("2", None, True, float("nan"), -1, 1e9, [1]):
        with pytest.raises(PageError, match="Blur must be a number from 0 to 5"):
            read_shift({"blur": wrong})


def test_examples_are_of_the_users_folder_or_of_emoji_styles(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = from_folder(pictures)
    assert 1 <= len(found) <= 6
    assert found == from_folder(pictures), "the same every time"
    assert {one.title for one in found} == {one.path.parent.name for one in found}
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no pictures"):
        from_folder(tmp_path / "empty")
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path))
    assert find_examples(None, ["a", "b"]) == []


def test_models_of_four_hands_get_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Was: the page of the demo's own models had no examples, only that of EmojiStyles' models."""
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path))
    classes, domains = FourHands().class_names, FourHands().domain_names
    assert find_examples(None, classes) == [], "not prepared yet"
    folder = four_hands_drawing.dataset_folder(tmp_path)
    for domain in domains:
        for label in classes:
            (folder / domain / label).mkdir(parents=True)
            picture().save(folder / domain / label / "one.png")
    monkeypatch.setattr(four_hands_drawing, "is_prepared", lambda root: True)
    found = find_examples(None, list(reversed(classes)))
    assert [one.detail for one in found] == ["clip art", "flat", "line", "photograph"]
    assert len({one.title for one in found}) == 4, "different classes"
    assert find_examples(None, classes[:-1]) == []


def test_models_that_turn_pictures_and_models_that_do_not_are_refused() -> None:
    models: Any = {"ERM": SimpleNamespace(exif_rotation=False),
                   "dropout": SimpleNamespace(exif_rotation=True)}  # fmt: skip
    jobs: Any = None
    with pytest.raises(ConfigError, match="Only 'dropout' of these models turns"):
        Page(models, jobs)
    del models["ERM"]
    assert Page(models, jobs).rotated


@pytest.fixture(scope="module")
def page() -> Iterator[Served]:
    with served("pictures", "--gigabytes", "0.001") as found:
        yield found
        assert found.said.read_text() == "", "no terminal traceback"


def as_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_pages_answer_is_the_shifted_picture_and_each_models_probabilities(
    page: Served,
) -> None:
    image = Image.new("RGB", (40, 30), (250, 40, 40))
    made = page.ask("/api/pictures?name=a.png", "POST", as_png(image)).json
    assert {max(shares, key=shares.get) for shares in made["answers"].values()} == {"red"}
    at = f"/api/pictures/{made['id']}"
    assert page.ask(at).json == made, "a reload finds it"
    assert page.ask(f"{at}/answer", "POST", given={}).json["answers"] == made["answers"]
    grey = page.ask(f"{at}/answer", "POST", given={"colour": 0, "contrast": 0.1}).json
    for shares in grey["answers"].values():
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares.values()) < 0.4
    assert grey["picture"].startswith("data:image/jpeg;base64,")
    wrong = page.ask(f"{at}/answer", "POST", given={"blur": 99})
    assert (wrong.status, wrong.error) == (400, "Blur must be a number from 0 to 5.")
    assert page.ask(at, "DELETE").status == 200
    assert page.ask(f"{at}/answer", "POST", given={}).status == 404
    assert page.folders() == []


def test_bad_pictures_are_one_sentence_and_leave_nothing(page: Served) -> None:
    def sent(content: bytes) -> str:
        return page.ask("/api/pictures?name=/srv/a.png", "POST", content).error

    assert sent(b"") == "a.png is empty: choose another file."
    assert sent(b"text").startswith("a.png is no picture that can be read")
    assert sent(as_png(picture(600, 400))[:-300]) == "a.png is damaged: try another picture."
    assert sent(b"\0" * 1_000_001) == "a.png is too large: up to 1 MB are taken."
    assert sent(as_png(Image.new("L", (9000, 9000)))).startswith(
        "The picture a.png has 9000 x 9000"
    )
    assert page.folders() == []
    assert page.ask("/report").error == "There is no report here."


def test_a_reports_scripts_do_not_run(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text('<p>results</p><script>alert("x")</script>')
    assert "results" in command.report_text(str(tmp_path))
    assert SANDBOX["content-security-policy"].startswith("sandbox; default-src 'none'")
    with pytest.raises(ConfigError, match="cannot be read"):
        command.report_text(str(tmp_path / "none"))
    assert command.report_text(None) == ""


def test_the_command(
    checkpoints: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "holdfast.serving.server.serve", lambda site, port: asked.append((site, port))
    )
    monkeypatch.delenv("HOLDFAST_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", None)
    assert APP.main(["demo", *checkpoints, "--abstain", "0.5"]) == 0
    (site, port), *_ = asked
    assert (site.access.host, port) == ("127.0.0.1", 7861)
    site.jobs.close()
    assert APP.main(["demo", *checkpoints, "--host", "0.0.0.0"]) == 1
    assert "say --anyone true" in capsys.readouterr().err
    assert APP.main(["demo", *checkpoints, "--abstain", "2"]) == 1
    assert APP.main(["demo", "nowhere.ckpt"]) == 1
    assert "nowhere.ckpt" in capsys.readouterr().err
