"""The track's own commands, one file each."""
