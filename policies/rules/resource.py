"""What a rule sees of a resource, the same whether the engine shows it or a test.

Values that are not known yet (in a preview, of something that does not exist) read as UNKNOWN. A
rule passes over them: it is asked again when they are known, before the resource is made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from pulumi_policy import (
    ReportViolation,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.proxy import UnknownValueError

Props: TypeAlias = Mapping[str, Any]


class Unknown:
    """The type of UNKNOWN, which equals only itself and is false."""

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource by its type token, its URN and its properties in camelCase."""

    resource_type: str
    urn: str
    props: Props

    @property
    def kind(self) -> str:
        """The last part of the type token: `R2Bucket`."""
        return self.resource_type.rpartition(":")[2]

    @property
    def name(self) -> str:
        """The logical name, with which the URN ends: `storage-uploads`."""
        return self.urn.split("::", 3)[-1]

    def read(self, *path: str) -> Any:
        return read(self.props, *path)


Finder: TypeAlias = Callable[[Resource], Iterator[str]]
StackFinder: TypeAlias = Callable[[Sequence[Resource]], Iterator[tuple[str, str]]]


def read(props: object, *path: str) -> Any:
    """The value at the path: None where something is missing, UNKNOWN where it is not known yet."""
    value: object = props
    for key in path:
        if not isinstance(value, Mapping):
            return None
        try:
            value = cast("Mapping[str, object]", value)[key]
        except KeyError:
            return None
        except UnknownValueError:
            return UNKNOWN
    return value


def read_list(props: object, *path: str) -> list[Any]:
    """The elements of the list at the path; none where it is missing or not known yet."""
    value = read(props, *path)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    elements = cast("Sequence[Any]", value)
    found: list[Any] = []
    for index in range(len(elements)):
        try:
            found.append(elements[index])
        except UnknownValueError:
            found.append(UNKNOWN)
    return found


def of_each(find: Finder) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    """A validation that reports what `find` finds in each resource."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for problem in find(Resource(args.resource_type, args.urn, args.props)):
            report(problem, None)

    return validate


def of_all(find: StackFinder) -> Callable[[StackValidationArgs, ReportViolation], None]:
    """A validation that reports what `find` finds in the whole stack, as pairs of problem and
    URN."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [Resource(one.resource_type, one.urn, one.props) for one in args.resources]
        for problem, urn in find(resources):
            report(problem, urn)

    return validate
