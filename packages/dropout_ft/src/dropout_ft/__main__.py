"""Entry point of the console command and of ``python -m dropout_ft``."""

import sys

from dropout_ft.track import TRACK


def main() -> int:
    """Run the command line of this process and return its exit status."""
    return TRACK.main()


if __name__ == "__main__":
    sys.exit(main())
