"""The page's shifts, answers and refusals, without a browser."""

import html
import tracemalloc
from pathlib import Path
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
from dropout_ft.loading import load_classifier
from dropout_ft.page import shifting
from dropout_ft.page.shifting import Shift, answers
from holdfast.errors import ConfigError, ImageError, MissingToolError
from tests_support import only_run

gr = pytest.importorskip("gradio", reason="the page's extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # gradio's own dependencies warn at import

from dropout_ft.page.app import SLIDERS, Page  # noqa: E402

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


def test_models_are_named_by_their_rate_or_as_asked(checkpoints: list[str]) -> None:
    assert list(command.named_models(checkpoints)) == ["ERM", "dropout 0.9"]
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


def test_the_pages_answer_is_the_shifted_picture_and_a_label_for_each_model(
    checkpoints: list[str], tmp_path: Path
) -> None:
    models = command.named_models(checkpoints)
    page = Page(models)
    start = [slider[2] for slider in SLIDERS.values()]
    upload = str(tmp_path / "upload.png")
    picture().save(upload)
    plain, erm, dropped = page.answer(upload, *start)
    assert np.array_equal(values(plain), values(picture()))
    assert erm == answers(models, picture())["ERM"]
    assert set(dropped) == set(models["ERM"].class_names)
    blurred = page.answer(upload, 5.0, *start[1:])
    assert not np.array_equal(values(blurred[0]), values(plain))
    assert page.answer(None, *start) == [None, None, None]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """C3. Was: a PNG of 164 kB took 16.5 GB, and the server was killed."""
    path = tmp_path / "secret" / "bomb.png"
    path.parent.mkdir()
    Image.new("L", (9000, 9000)).save(path)
    start = [slider[2] for slider in SLIDERS.values()]
    tracemalloc.start()
    with pytest.raises(ImageError, match=r"^The picture bomb\.png has 9000 x 9000 pixels"):
        Page({}).answer(str(path), *start)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_an_upload_that_is_no_picture(tmp_path: Path, content: bytes) -> None:
    """C6. Was: the server's path and gradio's own sentence."""
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ImageError) as raised:
        Page({}).answer(str(tmp_path / "x.png"), *[slider[2] for slider in SLIDERS.values()])
    assert str(tmp_path) not in str(raised.value)


def test_noise_takes_no_more_memory_than_a_few_rows() -> None:
    big = Image.new("RGB", (2000, 3000))
    tracemalloc.start()
    Shift(noise=50).of(big)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2000 * 3000 * 3
    tracemalloc.stop()


def test_sliders_start_where_nothing_is_changed() -> None:
    plain = Shift()
    for name, (low, high, start, _) in SLIDERS.items():
        assert start == getattr(plain, name)
        assert low <= start <= high


def test_a_report_is_shown_in_a_sandbox(
    checkpoints: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text('<p>results</p><script>alert("x")</script>')
    text = command.report_text(str(tmp_path))
    shown: list[str] = []

    class Nothing:
        def __init__(self, *values: Any, **_: Any) -> None:
            shown.extend(value for value in values if isinstance(value, str))

        def __enter__(self) -> "Nothing":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def change(self, *_: object) -> None:
            return None

    for name in ("Blocks", "Markdown", "Row", "Image", "Slider", "Label", "HTML"):
        monkeypatch.setattr(gr, name, Nothing)
    Page(command.named_models(checkpoints), text).build()
    assert "sandbox" in shown[-1]
    assert html.escape('<script>alert("x")</script>') in shown[-1]
    assert "<script>" not in shown[-1]
    with pytest.raises(ConfigError, match="cannot be read"):
        command.report_text(str(tmp_path / "none"))
    assert command.report_text(None) == ""


def test_the_command_listens_on_this_machine_only(
    checkpoints: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("dropout_ft.commands.demo.serve", lambda page, **k: served.append(k))
    monkeypatch.setattr(Page, "build", lambda self: None)  # its event loops outlive a test
    assert APP.main(["demo", *checkpoints]) == 0
    assert served == [{"host": "127.0.0.1", "port": 7861, "megabytes": 20.0}]
    assert APP.main(["demo", *checkpoints, "--host", "0.0.0.0"]) == 0
    assert served[1]["host"] == "0.0.0.0"
    assert APP.main(["demo", "nowhere.ckpt"]) == 1
    assert "nowhere.ckpt" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install gradio"):
        command.demo(checkpoints)
