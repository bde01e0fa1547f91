"""Data points through a Worker's Analytics Engine binding."""

import json
import logging

import js
from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text
from functions.ports.usage import DataPoint

log = logging.getLogger("stowage.usage")


class AnalyticsEngineLog:
    """`writeDataPoint` returns at once and gives nothing to wait for: the runtime sends the points
    behind the answer."""

    def __init__(self, dataset: JsProxy) -> None:
        self._dataset = dataset

    def record(self, point: DataPoint) -> None:
        try:
            # As one text over the border, not member by member.
            given = {"indexes": [point.index], "blobs": point.blobs, "doubles": point.doubles}
            self._dataset.writeDataPoint(js.JSON.parse(json.dumps(given)))
        except JsException as error:
            log.warning("a data point is lost: %s", error_text(error))
        except Exception:
            log.exception("a data point is lost")


class NoUsageLog:
    """Where the Worker was given no dataset: usage is not counted, and everything else goes on."""

    def record(self, point: DataPoint) -> None:
        """Nothing."""
