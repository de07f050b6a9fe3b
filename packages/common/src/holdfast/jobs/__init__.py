"""Many jobs on one folder: claimed once, resumed, never run twice; on processes, Ray or Slurm."""
