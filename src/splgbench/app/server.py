"""The web server: addresses, what they may be asked for, and nothing from anywhere else."""

from __future__ import annotations

import contextlib
import ipaddress
import tempfile
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from splgbench.app import actions, uploads
from splgbench.app.pool import Pool
from splgbench.app.session import Sessions
from splgbench.app.workspace import Workspace
from splgbench.errors import InputError, SplgbenchError
from splgbench.files import parse_json
from splgbench.solver_libraries import load_optional

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
BODY_LIMIT = 65_536
"""Bytes of a request other than an upload."""
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_KINDS = {".js": "text/javascript", ".css": "text/css"}


class Guard:
    """Answers only whom it should: the addresses it listens on, and scripts of its own pages.

    A page of the web that the user visits could otherwise send requests here, under another name for this machine, too.

    Parameters
    ----------
    app : what is guarded.
    hosts : names in the Host header that are answered; None for any, where the user opened the app to the network.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        origin = headers.get("origin")
        foreign = self.hosts is not None and _without_port(host) not in self.hosts
        # A link that is followed may come from anywhere; a picture, a frame or a script of another page may not.
        embedded = headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-dest") != "document"
        if foreign or embedded or (scope["method"] != "GET" and origin is not None and origin != f"http://{host}"):
            await JSONResponse({"error": "this app answers its own pages only"}, 403)(scope, receive, send)
            return

        async def sealed(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, sealed)


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def build(
    first: Workspace, *, host: str = "127.0.0.1", upload_limit: int = uploads.UPLOAD_LIMIT, warm: bool = True
) -> Starlette:
    """The app; its sessions are `state.sessions` of what is returned.

    Parameters
    ----------
    first : what every new session begins with.
    host : the address it is to listen on.
    upload_limit : bytes of an uploaded file.
    warm : have a worker ready before the first solve.

    Raises
    ------
    MissingSolverError
        Plotly is not installed.
    """
    load_optional("plotly", "plotly", "app")
    shared = _Shared(first, upload_limit)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        if warm:
            threading.Thread(target=shared.pool.warm, daemon=True).start()
        with tempfile.TemporaryDirectory(prefix="splgbench-app-") as folder:
            shared.folder = folder
            try:
                yield
            finally:
                shared.close()

    routes = [
        Route("/", shared.enter),
        Route("/favicon.ico", lambda _: Response(status_code=204)),
        Route("/static/{name}", _static),
        Mount(
            "/s/{token}",
            routes=[
                Route("/", shared.page),
                Route("/upload", shared.upload, methods=["POST"]),
                *(Route(f"/{name}", shared.api(read)) for name, read in actions.READS.items()),
                *(Route(f"/{name}", shared.api(act), methods=["POST"]) for name, act in actions.ACTS.items()),
                *(Route(f"/export/{name}", shared.export(write)) for name, write in actions.EXPORTS.items()),
            ],
        ),
    ]
    app = Starlette(routes=routes, lifespan=life)
    app.state.sessions = shared.sessions
    hosts = tuple(dict.fromkeys((*LOOPBACK, host))) if is_loopback(host) else None
    app.add_middleware(Guard, hosts=hosts)
    return app


class _Shared:
    """What all sessions share: worker processes and a folder for uploads, no state."""

    def __init__(self, first: Workspace, upload_limit: int) -> None:
        self.sessions = Sessions(first)
        self.pool = Pool()
        self.upload_limit = upload_limit
        self.folder = ""

    def close(self) -> None:
        """End everything that was started."""
        self.sessions.close()
        self.pool.close()

    async def enter(self, _: Request) -> Response:
        """A new session, at its own address."""
        return RedirectResponse(f"/s/{self.sessions.new().token}/", 303)

    async def page(self, request: Request) -> Response:
        """The page of a session; a new one in place of one that is gone."""
        if self.sessions.find(request.path_params["token"]) is None:
            return RedirectResponse("/", 303)
        return Response(_asset("page.html"), media_type="text/html", headers={"cache-control": "no-store"})

    def api(self, handle: actions.Handler) -> Callable[[Request], Any]:
        """A request as JSON."""

        async def answer(request: Request) -> Response:
            return await self._answer(request, handle)

        return answer

    def export(self, write: actions.Writer) -> Callable[[Request], Any]:
        """A request for a file."""

        async def answer(request: Request) -> Response:
            session = self.sessions.find(request.path_params["token"])
            if session is None:
                return _gone()
            try:
                name, kind, data = await run_in_threadpool(write, session, dict(request.query_params))
            except SplgbenchError as error:
                return _refused(error)
            return Response(data, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})

        return answer

    async def _answer(self, request: Request, handle: actions.Handler) -> Response:
        session = self.sessions.find(request.path_params["token"])
        if session is None:
            return _gone()
        try:
            asked: Mapping[str, Any] = dict(request.query_params)
            if request.method == "POST":
                asked = await _body(request)
            return JSONResponse(await run_in_threadpool(handle, actions.Context(session, self.pool), asked))
        except SplgbenchError as error:
            return _refused(error)
        except Exception as error:
            traceback.print_exc()
            return JSONResponse({"error": f"nobody expected this: {type(error).__name__}: {error}"}, 500)

    async def upload(self, request: Request) -> Response:
        """Take a package and have it read."""
        session = self.sessions.find(request.path_params["token"])
        if session is None:
            return _gone()
        try:
            name = uploads.safe_name(request.headers.get("x-name", ""))
            place = Path(tempfile.mkdtemp(dir=self.folder)) / name
            await uploads.receive(request.stream(), request.headers.get("content-length"), place, self.upload_limit)
            context = actions.Context(session, self.pool)
            return JSONResponse(await run_in_threadpool(actions.read_upload, context, place, self.upload_limit))
        except SplgbenchError as error:
            return _refused(error)


async def _body(request: Request) -> Mapping[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise InputError("must be JSON", "request")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise InputError(f"must hold at most {BODY_LIMIT} bytes", "request")
    try:
        asked = parse_json(data.decode("utf-8"), "request")
    except UnicodeDecodeError:
        raise InputError("must be UTF-8", "request") from None
    if not isinstance(asked, dict):
        raise InputError("must be a JSON object", "request")
    return asked


def _refused(error: SplgbenchError) -> Response:
    return JSONResponse({"error": str(error)}, 400)


def _gone() -> Response:
    return JSONResponse({"error": "this session is gone: open the app again"}, 410)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _static_names():
        return Response(status_code=404)
    data = await run_in_threadpool(_asset, name)
    return Response(
        data, media_type=_KINDS[Path(name).suffix], headers={"cache-control": "no-cache", "etag": _etag(data)}
    )


def _etag(data: bytes) -> str:
    import zlib

    return f'"{zlib.crc32(data):x}-{len(data):x}"'


@cache
def _static_names() -> frozenset[str]:
    """What pages may load: the modules and styles of the package, and Plotly."""
    ours = (entry.name for entry in files("splgbench.app").joinpath("static").iterdir())
    return frozenset({"plotly.js", *(name for name in ours if Path(name).suffix in _KINDS)})


@cache
def _asset(name: str) -> bytes:
    if name == "plotly.js":
        text: str = load_optional("plotly.offline", "plotly", "app").get_plotlyjs()
        return text.encode()
    return files("splgbench.app").joinpath("static", name).read_bytes()


def serve(app: Starlette, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    port : 0 for any free one.
    ready : called with the address once it is listened on.

    Raises
    ------
    InputError
        The address cannot be listened on.
    """
    import socket

    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise InputError(f"cannot be listened on: {error.strerror}", f"{host}:{port}") from None
        listening.listen()
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        ready(f"http://{shown}:{listening.getsockname()[1]}/")
        config = uvicorn.Config(app, log_level="warning", lifespan="on", ws="none", timeout_graceful_shutdown=2)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
