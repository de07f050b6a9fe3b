"""Serve the page with the oracle network on a free port; the first line printed is its address."""

import sys
import time

from tracking_support import FindsRed
from vl_track.page.app import Page, serve
from vl_track.page.following import Limits

if __name__ == "__main__":
    limits = Limits()
    address, _ = serve(
        Page(FindsRed(), limits).build(), limits, host="127.0.0.1", port=0, block=False
    )
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    time.sleep(600)
