"""The release's text branch: a random embedding table read at position 0.

As in All-in-One's ``lib/models/ostrack/ostrack.py``; docs/vl_track.md says what follows from it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vl_track.nn.text.base import TextEncoder, TextFeatures

CLS, PAD = 101, 0
VOCABULARY, FEATURES, POSITIONS = 30522, 768, 40
LAYER_NORM_EPSILON = 1e-12


class OfficialText(TextEncoder):
    """BERT's embedding layer, without BERT: the vector of token 0, the same for every sentence.

    Position 0 is always [CLS], or [PAD] where the release found no sentence, and the layer does
    not mix positions, so the sentence cannot matter. It exists to run the released weights.

    Args:
        vocabulary: rows of the table (release: 30,522).
        num_features: C (768).
        dropout: of the vector in training (release: 0.1, the default of BERT's configuration).
    """

    def __init__(
        self,
        vocabulary: int = VOCABULARY,
        num_features: int = FEATURES,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.word_embeddings = nn.Embedding(vocabulary, num_features)
        self.position_embeddings = nn.Embedding(POSITIONS, num_features)
        self.token_type_embeddings = nn.Embedding(2, num_features)
        self.norm = nn.LayerNorm(num_features, eps=LAYER_NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)
        for table in (self.word_embeddings, self.position_embeddings, self.token_type_embeddings):
            nn.init.normal_(table.weight, std=0.02)
        self.requires_grad_(False)

    def forward(self, sentences: Sequence[str]) -> TextFeatures:
        """Encode; even an absent sentence has its constant vector, and it is used."""
        features = super().forward(sentences)
        return TextFeatures(features.vector_BC, torch.ones_like(features.present_B))

    def knows(self, sentence: str) -> bool:
        """Return false: the vector is the same for every sentence, so none can name an object."""
        return False

    def encode(self, sentences: list[str]) -> Tensor:
        """Return the normalised embedding of [CLS], or of [PAD] for an empty sentence."""
        device = self.word_embeddings.weight.device
        ids = torch.tensor([CLS if sentence else PAD for sentence in sentences], device=device)
        first = torch.zeros_like(ids)
        vector: Tensor = self.norm(
            self.word_embeddings(ids)
            + self.position_embeddings(first)
            + self.token_type_embeddings(first)
        )
        dropped: Tensor = self.dropout(vector)
        return dropped
