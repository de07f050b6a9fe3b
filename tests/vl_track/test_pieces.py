"""Words of any vocabulary: what is understood, what is said of the rest, and what is refused."""

from pathlib import Path

import pytest
import torch

from scenes_support import tiny_config, tiny_network
from vl_track.loading import load_network, save_network
from vl_track.nn.network import AllInOne
from vl_track.nn.text import WordPieceText
from vl_track.nn.text.piece_tokens import WordPieceTokenizer
from vl_track.scenes.synonyms import SYNONYMS, reword

COCO = """person bicycle car motorcycle airplane bus train truck boat bench bird cat dog horse sheep
cow elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee skis snowboard kite
skateboard surfboard bottle cup fork knife spoon bowl banana apple sandwich orange broccoli carrot
pizza donut cake chair couch bed toilet tv laptop mouse remote keyboard microwave oven toaster sink
refrigerator book clock vase scissors toothbrush"""
LASOT = """airplane basketball bear bicycle boat cattle chameleon coin crab crocodile deer drone
electricfan flag fox frog gametarget gecko goldfish gorilla guitar hand hat helmet hippo kangaroo
leopard licenseplate lion lizard microphone monkey pool rabbit racing robot rubicCube sepia shark
spider squirrel swing tank tiger turtle volleyball yoyo"""


@pytest.fixture(scope="module")
def text() -> WordPieceText:
    return WordPieceText(16).eval()


@pytest.mark.parametrize("words", [COCO, LASOT])
def test_categories_of_the_field_are_understood(text: WordPieceText, words: str) -> None:
    for word in words.split():
        assert text.remarks(f"the {word}") == [], word
        assert text.knows(word)


@pytest.mark.parametrize("words", ["собака", "犬", "xqzw", "🦊", "the of", ""])
def test_what_says_nothing_is_known_to_say_nothing(text: WordPieceText, words: str) -> None:
    assert not text.knows(words)
    assert torch.isfinite(text([words]).vector_BC).all()


def test_remarks_name_the_words(text: WordPieceText) -> None:
    (note,) = text.remarks("the red собака")
    assert "'собака'" in note
    assert "only the other words count" in note
    assert text.remarks("a café's naïve señor") == []


def test_a_word_of_single_letters_is_spelled_and_one_of_pairs_is_understood() -> None:
    """The description once said that words of one or two letters a piece are not understood."""
    tokenizer = WordPieceTokenizer()
    assert tokenizer.unknown("qzxj vqo zzyq qip") == ["qzxj", "vqo"]
    assert tokenizer.known("qzxj vqo zzyq qip") == ["zzyq", "qip"]


def test_a_sentence_is_the_same_alone_and_in_a_batch(text: WordPieceText) -> None:
    torch.manual_seed(0)
    torch.nn.init.normal_(text.out.weight, std=0.1)
    sentences = ["the red dog", "a very long sentence about a small green turtle on the left", ""]
    together = text(sentences)
    for number, sentence in enumerate(sentences):
        assert torch.allclose(text([sentence]).vector_BC[0], together.vector_BC[number], atol=1e-5)
    assert together.present_B.tolist() == [True, True, False]
    one, two = (text([s]).vector_BC for s in ("dog left of cat", "cat left of dog"))
    assert not torch.allclose(one, two, atol=1e-4), "order matters once it is learnt"


def test_words_that_describe_nothing_change_nothing(text: WordPieceText) -> None:
    assert torch.equal(text(["please find the dog"]).vector_BC, text(["dog"]).vector_BC)


def test_a_long_sentence_is_cut_with_a_remark(text: WordPieceText) -> None:
    long = "dog " * 60
    assert "60 tokens" in text.remarks(long)[0]
    with pytest.warns(UserWarning, match="only the first 40"):
        WordPieceText(16)([long])


def test_the_table_is_kept_in_eight_bits_and_comes_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tiny = tiny_network()
    network = AllInOne(tiny.backbone, WordPieceText(16), matching="target_and_text",
                       head=lambda channels, grid: type(tiny.head)(channels, grid, 16))  # fmt: skip
    config = tiny_config() | {
        "text": {"class_path": "vl_track.nn.text.WordPieceText", "init_args": {"num_features": 16}}
    }
    save_network(tmp_path, config, network.state_dict())
    again = load_network(tmp_path)
    assert again.state_dict()["text.pieces_VD"].dtype == torch.int8
    one, two = (each.text(["the red dog"]).vector_BC for each in (network.eval(), again))
    assert torch.allclose(one, two, atol=1e-2)
    assert sum(file.stat().st_size for file in tmp_path.glob("*.safetensors")) < 9_000_000


def test_rewording_keeps_meanings_apart() -> None:
    import numpy as np

    generator = np.random.default_rng(0)
    said = {reword("the large red dog on the left", generator) for _ in range(200)}
    assert len(said) > 20
    assert all("right" not in one for one in said)
    every = [word for words in SYNONYMS.values() for word in words]
    assert not set(every) & {"left", "right"}
