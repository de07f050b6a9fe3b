"""Entry point of the console command and of ``python -m vl_track``."""

import sys

from vl_track.app import APP


def main() -> int:
    """Run the command line of this process and return its exit status."""
    return APP.main()


if __name__ == "__main__":
    sys.exit(main())
