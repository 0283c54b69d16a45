"""What commands share: which control plane to talk to, and how errors are told."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from boatyard.app.layout import DataDirectory, default_root
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import ApiError


def data_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--data DIR``: the data directory of the control plane on this machine."""
    return click.option(
        "--data", "data", type=click.Path(path_type=Path, file_okay=False), default=default_root,
        show_default="$BOATYARD_DATA or ~/.local/share/boatyard",
        help="Data directory of the control plane on this machine.", callback=lambda _, __, value: DataDirectory(Path(value)),
    )(function)  # fmt: skip


def secrets_key_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--secrets-key-file FILE``: keys of secrets that aren't in the data directory."""
    return click.option(
        "--secrets-key-file", type=click.Path(path_type=Path, dir_okay=False),
        help="Keys that encrypt secrets in the database; made when missing.  [control/keys/secrets in the data directory]",
    )(function)  # fmt: skip


def namespace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``-n NAMESPACE``."""
    return click.option("-n", "--namespace", default="default", show_default=True, help="Namespace to work in.")(function)


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``-o table|json|yaml``."""
    return click.option("-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True)(
        function
    )


def client_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--data`` and ``--kubeconfig``, handed on as ``connect``: an asynchronous context that gives a Client."""

    @data_option
    @click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Use this cluster instead of the one in --data.",
    )
    @functools.wraps(function)
    def with_client(*args: Any, data: DataDirectory, kubeconfig: Path | None, **kwargs: Any) -> Any:
        return function(*args, connect=functools.partial(connection, kubeconfig or data.kubeconfig), **kwargs)

    return with_client


@asynccontextmanager
async def connection(kubeconfig: Path) -> AsyncIterator[Client]:
    """A Client by a kubeconfig. Raises ClickException when there is none."""
    # Imported on use: commands that talk to nobody don't pay for an HTTP client.
    from boatyard.machinery.client.kubeconfig import KubeconfigError, from_kubeconfig

    if not kubeconfig.exists():
        raise click.ClickException(
            f"no control plane here: {kubeconfig} doesn't exist. Start one with `boatyard up`, or name its --data."
        )
    try:
        client = from_kubeconfig(kubeconfig)
    except KubeconfigError as error:
        raise click.ClickException(f"{kubeconfig}: {error}") from error
    try:
        yield client
    finally:
        await client.close()


def asynchronous(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """Runs an ``async def`` command; errors of the API become one clear line (and exit code 1), Ctrl-C exits with 130."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        async def main() -> Any:
            return await function(*args, **kwargs)

        try:
            return asyncio.run(main())
        except ApiError as error:
            raise click.ClickException(told(error)) from error
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        except BrokenPipeError:
            # Whoever read our output (head, less) has gone: nothing is wrong.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise SystemExit(0) from None

    return run


def told(error: ApiError) -> str:
    """An error for people: its message, and a line for each wrong field when there are several."""
    causes = error.details.get("causes") or []
    if len(causes) < 2:
        return error.message
    head = error.message.partition(": [")[0]
    return "\n".join([f"{head}:", *(f"  {cause.get('field', '')}: {cause.get('message', '')}" for cause in causes)])
