"""Errors a user can mend. Each message is one sentence: what, where, and what to do."""


class HoldfastError(Exception):
    """Base of every error that the command line prints as one sentence, without a traceback."""


class ConfigError(HoldfastError):
    """The configuration asks for something that cannot be done."""


class DataError(HoldfastError):
    """A data set is missing, incomplete or malformed."""


class ImageError(DataError):
    """One picture cannot be read; the message names the file."""


class CheckpointError(HoldfastError):
    """A checkpoint is missing, damaged, or of another architecture."""


class DivergedError(HoldfastError):
    """A run's loss is no number any more, or has grown beyond hope; going on would only cost."""


class DiskError(HoldfastError):
    """A file could not be written; whatever stood there before is still whole."""


class MissingToolError(HoldfastError):
    """A program or optional package that the request needs is not installed."""


class UsageError(HoldfastError):
    """The command line itself is wrong: an unknown command or option, or a value missing."""
