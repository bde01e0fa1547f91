"""Data points that are only remembered, and queries whose answers are given beforehand."""

from collections.abc import Sequence

from functions.ports.usage import DataPoint, UsageQueryError, UsageRow


class MemoryUsageLog:
    def __init__(self) -> None:
        self.points: list[DataPoint] = []

    def record(self, point: DataPoint) -> None:
        self.points.append(point)


class MemoryUsageQueries:
    """Answers in turn; an answer that is an error is raised. Nothing left: no rows."""

    def __init__(self) -> None:
        self.answers: list[Sequence[UsageRow] | UsageQueryError] = []
        self.asked: list[str] = []

    async def query(self, sql: str) -> Sequence[UsageRow]:
        self.asked.append(sql)
        answer = self.answers.pop(0) if self.answers else ()
        if isinstance(answer, UsageQueryError):
            raise answer
        return answer
