"""Entry point of the console command and of ``python -m dropout_ft``."""

import sys

from dropout_ft.app import APP


def main() -> int:
    """Run the command line of this process and return its exit status."""
    return APP.main()


if __name__ == "__main__":
    sys.exit(main())
