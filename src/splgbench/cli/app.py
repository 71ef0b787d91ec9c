"""``splgbench app``: the local web app."""

from __future__ import annotations

import argparse

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_error, print_json
from splgbench.errors import InputError
from splgbench.library import load
from splgbench.library.catalogue import kind_of
from splgbench.solver_libraries import load_optional

EXAMPLES = """  splgbench app
  splgbench app basel-2022
  splgbench app my-package.zip --port 8400

The address it prints is for a browser on this machine; no other reaches it, and it fetches nothing. Ctrl-C ends it."""
DEFAULT_INSTANCE = "easy"
DEFAULT_PORT = 8765


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "app", run, "work on an instance in the browser", EXAMPLES)
    parser.add_argument(
        "instance",
        metavar="INSTANCE",
        nargs="?",
        default=DEFAULT_INSTANCE,
        help=f"a folder, a zip or a name of the library (default {DEFAULT_INSTANCE})",
    )
    parser.add_argument("--port", metavar="N", type=int, default=DEFAULT_PORT, help="0 for any free one (default 8765)")
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="listen here (default 127.0.0.1)")
    parser.add_argument("--upload-limit", metavar="MB", type=int, default=64, help="largest upload (default 64)")


def run(arguments: argparse.Namespace) -> int:
    for module in ("starlette", "uvicorn", "plotly"):
        load_optional(module, module, "app")
    from splgbench.app.server import build, is_loopback, serve
    from splgbench.app.workspace import Workspace, own_kind

    if not 0 <= arguments.port < 65_536:
        raise InputError("must be between 0 and 65535", "--port")
    if arguments.upload_limit < 1:
        raise InputError("must be at least 1 MB", "--upload-limit")
    instance = load(arguments.instance)
    if not is_loopback(arguments.host):
        print_error(f"warning: {arguments.host} may be reached from other machines, and the app asks for no password")

    def ready(address: str) -> None:
        if arguments.json:
            print_json({"address": address, "instance": instance.name})
        else:
            print(f"{instance.name} at {address} (Ctrl-C ends it)", flush=True)

    app = build(
        Workspace.of(instance, kind_of(arguments.instance) or own_kind("own", instance)),
        host=arguments.host,
        upload_limit=arguments.upload_limit * 2**20,
    )
    serve(app, arguments.host, arguments.port, ready)
    return 0
