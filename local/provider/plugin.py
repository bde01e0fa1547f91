"""`pulumi-resource-cloudflare`: the engine's plugin, a thin gRPC server in front of the daemon.

The engine starts it in the project folder with its own address as argument, reads the port from the
first line, and interrupts it at the end. It keeps nothing and decides nothing: each call is posted
to
the daemon as JSON, and at the end the daemon is told that the run is over.
"""

# The interface of gRPC is fixed, whatever a method needs of it.
# ruff: noqa: ARG002
import http.client
import json
import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from local.home import CloudError, CloudHome
from local.provider.wire import Json, to_json, to_struct

VERSION = "6.23.1"
_CALL_SECONDS = 600
_END_SECONDS = 5
_PARENT_POLL_SECONDS = 1.0


class Daemon:
    """The engine's side of the local cloud's daemon."""

    def __init__(self, home: CloudHome) -> None:
        self._port = home.ports()["rest"]
        self._secret = home.credentials().control_secret
        self._home = home

    def call(self, method: str, request: Json, timeout: float = _CALL_SECONDS) -> Json:
        """Posts one call.

        Raises:
            CloudError: refused (the message is for the person), or the daemon does not answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(
                "POST",
                f"/_engine/{method}",
                json.dumps(request),
                {"content-type": "application/json", "x-stowage-control": self._secret},
            )
            response = connection.getresponse()
            answer = cast("Json", json.loads(response.read() or b"{}"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CloudError(
                f"The local cloud in {self._home.root} does not answer ({error}). Start it with "
                f"`stowage up`; its log is {self._home.daemon_log}."
            ) from error
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise CloudError(str(answer.get("error", answer)))
        return answer


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Translates between gRPC and the daemon's JSON."""

    def __init__(self, daemon: Daemon, engine: str | None) -> None:
        self._daemon = daemon
        self._engine = engine
        self._project = str(Path.cwd())
        self._end = threading.Event()

    def wait_for_end(self) -> None:
        self._end.wait()

    def end(self) -> None:
        """Lets `wait_for_end` return; safe in a signal handler."""
        self._end.set()

    def interrupted(self, _number: int, _frame: object) -> None:
        self.end()

    def Handshake(self, request: Any, context: Any) -> Any:
        self._engine = request.engine_address or self._engine
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        self._engine = request.address
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context, "check", request.urn, news=to_json(request.news), olds=to_json(request.olds)
        )
        failures = [
            provider_pb2.CheckFailure(property=one["property"], reason=one["reason"])
            for one in answer["failures"]
        ]
        return provider_pb2.CheckResponse(inputs=to_struct(answer["inputs"]), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context,
            "diff",
            request.urn,
            id=request.id,
            olds=to_json(request.olds),
            old_inputs=to_json(request.old_inputs),
            news=to_json(request.news),
        )
        ignored = set(request.ignoreChanges)
        changed = [name for name in answer["changed"] if name not in ignored]
        forms = provider_pb2.DiffResponse
        return forms(
            changes=forms.DIFF_SOME if changed else forms.DIFF_NONE,
            diffs=changed,
            replaces=[name for name in answer["replaces"] if name in changed],
        )

    def Create(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context,
            "create",
            request.urn,
            properties=to_json(request.properties),
            preview=request.preview,
        )
        return provider_pb2.CreateResponse(
            id=answer["id"], properties=to_struct(answer["properties"])
        )

    def Read(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context,
            "read",
            request.urn,
            id=request.id,
            properties=to_json(request.properties),
            inputs=to_json(request.inputs),
        )
        return provider_pb2.ReadResponse(
            id=answer["id"],
            properties=to_struct(answer["properties"]),
            inputs=to_struct(answer["inputs"]),
        )

    def Update(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context,
            "update",
            request.urn,
            id=request.id,
            olds=to_json(request.olds),
            news=to_json(request.news),
            preview=request.preview,
        )
        return provider_pb2.UpdateResponse(properties=to_struct(answer["properties"]))

    def Delete(self, request: Any, context: Any) -> Any:
        answer = self._call(
            context, "delete", request.urn, id=request.id, properties=to_json(request.properties)
        )
        for warning in answer["warnings"]:
            self._warn(request.urn, warning)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        answer = self._posted(
            context, "invoke", {"token": request.tok, "args": to_json(request.args)}
        )
        response = provider_pb2.InvokeResponse()
        # The field's name is a keyword of Python.
        getattr(response, "return").CopyFrom(to_struct(answer["result"]))
        return response

    def Cancel(self, request: Any, context: Any) -> Any:
        self.end()
        return empty_pb2.Empty()

    def _call(self, context: Any, method: str, urn: str, **values: Any) -> Json:
        # urn:pulumi:stack::project::parent type$type::name
        kind = urn.split("::")[2].rsplit("$", 1)[-1]
        return self._posted(
            context, method, {"urn": urn, "type": kind, "project": self._project, **values}
        )

    def _posted(self, context: Any, method: str, request: Json) -> Json:
        try:
            return self._daemon.call(method, request)
        except CloudError as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def _warn(self, urn: str, message: str) -> None:
        """Shows a warning beside the resource, as the real provider does; losing one is no harm."""
        if not self._engine:
            return
        try:
            with grpc.insecure_channel(self._engine) as channel:
                cast("Any", engine_pb2_grpc.EngineStub(channel)).Log(
                    engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn),
                    timeout=_END_SECONDS,
                )
        except grpc.RpcError:
            return


def main() -> None:
    """Serves until the engine says, or shows by its absence, that the run is over."""
    home = os.environ.get("STOWAGE_HOME")
    if not home:
        sys.exit(
            "STOWAGE_HOME is not set, so the local cloud cannot be found. Use the `stowage` "
            "command, or `eval $(stowage env)` before plain `pulumi`."
        )
    try:
        daemon = Daemon(CloudHome(home))
    except CloudError as error:
        sys.exit(str(error))
    parent = os.getppid()
    provider = Provider(daemon, sys.argv[1] if len(sys.argv) > 1 else None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, provider.interrupted)
    server = grpc.server(
        futures.ThreadPoolExecutor(16),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    threading.Thread(target=_end_without_parent, args=(parent, provider), daemon=True).start()
    provider.wait_for_end()
    try:
        daemon.call("end", {}, timeout=_END_SECONDS)
    except CloudError as error:
        print(error, file=sys.stderr)
    # Calls that still run belong to an engine that is gone.
    os._exit(0)


def _end_without_parent(parent: int, provider: Provider) -> None:
    """An engine that was killed tells nobody; then this process has another parent."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_PARENT_POLL_SECONDS)
    provider.end()


if __name__ == "__main__":
    main()
