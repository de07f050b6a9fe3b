"""Serve the page with the oracle network on a free port; the first line printed is its address."""

import contextlib
import sys
import time

from holdfast.serving import check_page_tools, serve
from tracking_support import FindsRed
from vl_track.page.app import Page
from vl_track.page.following import Limits

if __name__ == "__main__":
    check_page_tools()
    page = Page(FindsRed(), Limits()).build()
    with contextlib.redirect_stdout(sys.stderr):
        address = serve(page, host="127.0.0.1", port=0, megabytes=200, block=False)
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    time.sleep(600)
