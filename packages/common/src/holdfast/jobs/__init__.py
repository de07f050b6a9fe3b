"""One job engine: many jobs on one folder, claimed once, resumed, never run twice at once.

They run on processes of this machine, Ray or Slurm, with a process for each job or one for many.
"""
