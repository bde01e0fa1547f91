"""What the edge answers, request by request. The same table is asked of the edge over memory and of
the real Worker in workerd, and there cold and warm.
"""

from tests.edge.address_cases import ASSETS, HOSTS, METHODS, PATHS
from tests.edge.object_cases import CONDITIONS, RANGES, RANGES_WITH_CONDITIONS

TABLE = (
    *RANGES,
    *CONDITIONS,
    *RANGES_WITH_CONDITIONS,
    *METHODS,
    *PATHS,
    *HOSTS,
    *ASSETS,
)

FOUND = sorted(
    {
        (case.host, case.path)
        for case in TABLE
        if case.status == 200 and case.method == "GET" and not case.asked
    }
)
"""Host and path of everything that there is."""
