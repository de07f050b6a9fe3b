"""Sweeps: domains x seeds x rates x hyper-parameters x variants, as jobs on one folder."""
