"""Training: the LightningModule and what feeds it."""
