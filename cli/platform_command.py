"""The options of every command that asks the platform as a developer, a tenant or an operator.

A command takes a `Caller` first; the decorator gives it the options in its place.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from cli import options
from cli.api_keys import (
    ApiUrl,
    AsOperator,
    DeveloperKey,
    OperatorKey,
    OwnerKey,
    TenantKey,
    developer_api,
    operator_api,
    owner_api,
)
from cli.console import Terminal
from cli.options import Scope
from cli.platform_api import PlatformApi
from cli.project import LOCAL_STACK

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whom."""

    scope: Scope
    api_url: str | None
    key: str | None
    operator_key: str | None

    @property
    def terminal(self) -> Terminal:
        return self.scope.terminal

    def developer(self) -> PlatformApi:
        """Raises: UsageFailure where no developer's key was given."""
        return developer_api(self.scope, self.api_url, self.key)

    def operator(self) -> PlatformApi:
        """Raises: UsageFailure where no operator's key is known."""
        return operator_api(self.scope, self.api_url, self.operator_key)

    def either(self, *, as_operator: bool = False) -> PlatformApi:
        """The developer or tenant whose key was given, else an operator; `as_operator`: an
        operator.

        Raises: UsageFailure where an operator has to ask and no operator's key is known.
        """
        key = None if as_operator else self.key
        return owner_api(self.scope, self.api_url, key, self.operator_key)


def _option(name: str, annotation: Any, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_DEVELOPER = _option("key", DeveloperKey)
_TENANT = _option("key", TenantKey)
_OWNER = _option("key", OwnerKey)
_OPERATOR = _option("operator_key", OperatorKey)
_AS_OPERATOR = _option("as_operator", AsOperator, default=False)
_PLACE = (
    _option("api_url", ApiUrl),
    _option("home", options.Home),
    _option("stack", options.Stack, LOCAL_STACK),
)
_JSON = _option("as_json", options.Json, default=False)


def for_developers(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    return _with_options(command, _DEVELOPER)


def for_operators(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    return _with_options(command, _OPERATOR)


def for_either(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    """For a developer or an operator."""
    return _with_options(command, _DEVELOPER, _OPERATOR)


def for_tenant_or_operator(
    command: Callable[Concatenate[Caller, P], None],
) -> Callable[..., None]:
    """For a tenant; without its key, for an operator."""
    return _with_options(command, _TENANT, _OPERATOR)


def for_tenants(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    """The same, and with --as-operator for an operator whatever keys there are."""
    return _with_options(command, _TENANT, _OPERATOR, _AS_OPERATOR)


def for_owners(command: Callable[Concatenate[Caller, P], None]) -> Callable[..., None]:
    """For the developer or the tenant whose the thing is; without a key of theirs, for an
    operator."""
    return _with_options(command, _OWNER, _OPERATOR)


def _with_options(
    command: Callable[Concatenate[Caller, P], None], *given: Parameter
) -> Callable[..., None]:
    @wraps(command)
    def with_caller(
        *,
        home: Path | None,
        stack: str,
        as_json: bool,
        api_url: str | None,
        key: str | None = None,
        operator_key: str | None = None,
        **own: Any,
    ) -> None:
        # Only where it was given here: a command that declares it by itself decides by itself.
        if _AS_OPERATOR in given and own.pop("as_operator"):
            key = None
        scope = options.scope(home, stack, as_json=as_json)
        call: Callable[..., None] = command
        call(Caller(scope, api_url, key, operator_key), **own)

    _, *own = inspect.signature(command, eval_str=True).parameters.values()
    taken = [
        *(one.replace(kind=Parameter.KEYWORD_ONLY) for one in own),
        *given,
        *_PLACE,
        _JSON,
    ]
    # What Typer reads a command's options from.
    with_caller.__signature__ = inspect.Signature(taken)  # pyright: ignore[reportAttributeAccessIssue]
    with_caller.__annotations__ = {one.name: one.annotation for one in taken}
    return with_caller
