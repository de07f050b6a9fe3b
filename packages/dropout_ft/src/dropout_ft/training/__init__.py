"""Training: the LightningModule, its objectives, the head's warm start, and what a run keeps."""
