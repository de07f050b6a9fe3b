"""What training needs on both tracks: step-indexed batches, seeds, callbacks, exact evaluation."""
