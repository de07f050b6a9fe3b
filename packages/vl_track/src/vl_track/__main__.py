"""Entry point of the console command and of ``python -m vl_track``."""

import sys

from vl_track.track import TRACK


def main() -> int:
    """Run the command line of this process and return its exit status."""
    return TRACK.main()


if __name__ == "__main__":
    sys.exit(main())
