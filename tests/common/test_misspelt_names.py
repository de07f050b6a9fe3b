"""Wherever a command takes a name, a misspelt one is answered with the nearest known name."""

import pytest

from dropout_ft.app import APP as DROPOUT_FT
from vl_track.app import APP as VL_TRACK


@pytest.mark.parametrize(
    ("app", "words", "near"),
    [
        (VL_TRACK, "benchmark lasott --out o", "lasot"),
        (VL_TRACK, "evaluate --results . --dataset tnl2kk --out o", "tnl2k"),
        (VL_TRACK, "evaluate --results . --dataset lasot --convention starck --out o", "stark"),
        (VL_TRACK, "data verify got10", "got10k"),
        (VL_TRACK, "submit gotx10k --out o.zip", "got10k"),
        (VL_TRACK, "scenes sheeet", "sheet"),
        (VL_TRACK, "track clip.mp4 --runtime opnvino", "openvino"),
        (DROPOUT_FT, "prepare emoji_stylez", "emoji_styles"),
        (DROPOUT_FT, "data verify --name PACCS", "PACS"),
        (DROPOUT_FT, "data make --name RotatedMNISt", "RotatedMNIST"),
        (DROPOUT_FT, "example --data emoji_stylez", "emoji_styles"),
        (DROPOUT_FT, "fit --config dropout_ft:tiny --data emoji_stylez", "data:emoji_styles"),
        (DROPOUT_FT, "fit --config dropout_ft:tinyy", "dropout_ft:tiny"),
        (DROPOUT_FT, "sweep sweeps:paper_pacss --out o", "sweeps:paper_pacs"),
    ],
)
def test_the_nearest_name_is_offered(
    app: object,
    words: str,
    near: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most of these listed twenty names, or printed "Expected a typing.Literal[...]"."""
    monkeypatch.chdir(tmp_path)  # type: ignore[arg-type]
    assert app.main(words.split()) != 0  # type: ignore[attr-defined]
    told = capsys.readouterr().err
    assert f"Did you mean '{near}'?" in told
    assert "typing." not in told
