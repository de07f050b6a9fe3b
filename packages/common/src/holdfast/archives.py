"""What Python's zip and tar readers raise on damaged bytes, found by fuzzing."""

import lzma
import struct
import tarfile
import zipfile
import zlib

DAMAGED_ARCHIVE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
    ValueError,           # a member's name that is not UTF-8, a negative seek
    NotImplementedError,  # a compression or version that no bit pattern of ours has
    RuntimeError,         # the flag of encryption
    LookupError, OverflowError, MemoryError, struct.error,
)  # fmt: skip
