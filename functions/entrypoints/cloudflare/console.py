"""Where a Worker's log lines go."""

import logging
import sys


def log_to_console() -> None:
    """The runtime takes what is printed as the invocation's log."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s"
    )
