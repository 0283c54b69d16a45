"""``make demo``: a control plane in a scratch directory, a real repository, two pushes, two verdicts."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from boatyard.app import addresses, processes
from boatyard.app.demo.githost import GitHost
from boatyard.app.demo.repository import Repository
from boatyard.app.doctor import bubblewrap_works
from boatyard.app.follow import Following, outcome, phase, states
from boatyard.app.layout import DataDirectory
from boatyard.ci.kinds import Build, CiConfig
from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.runtime.world import RealWorld

NAME, NAMESPACE = "berths", "default"
COLOURS = {"Succeeded": "green", "Failed": "red"}
BUILD_SECONDS = 180


class DemoFailed(Exception):
    """What was to be shown did not happen; the message says what did."""


class Demo:
    """One run of the demo below ``directory``."""

    def __init__(self, directory: Path, console: Console) -> None:
        self.data = DataDirectory(directory / "data")
        self.repository = Repository(directory)
        self.console = console

    def say(self, text: str) -> None:
        """A heading of what happens next."""
        self.console.print(f"\n[bold blue]▌[/] [bold]{text}[/]", highlight=False)

    def up(self) -> addresses.Addresses:
        """Start the control plane and the node agent, as a user would."""
        self.say("A control plane and a node on this machine")
        works, why = bubblewrap_works()
        if not works:
            self.console.print(
                f"  [yellow]bubblewrap doesn't work here ({escape(why)}): builds run in the process sandbox, not isolated[/]"
            )
        with self.console.status("starting …"):
            started = self._boatyard("up", "--detach", "--api-port", "0", "--gateway-port", "0")
        if started.returncode:
            raise DemoFailed(started.stderr.strip())
        chosen = addresses.load(self.data.root / "control" / "addresses.json")
        assert chosen is not None
        self.console.print(
            f"  API server {chosen.api}, front door {chosen.gateway}, data {self.data.root}", highlight=False, soft_wrap=True
        )
        return chosen

    async def show(self, chosen: addresses.Addresses) -> None:
        """Two pushes, two verdicts. Raises DemoFailed when they aren't the right ones."""
        host = GitHost(self.repository.served)
        client = from_kubeconfig(self.data.kubeconfig)
        try:
            self.repository.make()
            url = f"http://{chosen.internal_host}:{await host.start(chosen.internal_host)}/berths.git"
            config = await self._declare(client, url)
            secret = await client.get(SECRETS, f"ci-{NAME}", NAMESPACE)
            self.repository.tell(config["status"]["webhook"], base64.b64decode(secret["data"]["webhook"]).decode(), self._ca())
            builds = [
                await self._push(client, 1, self.repository.add_a_feature(), "Succeeded"),
                await self._push(client, 2, self.repository.make_a_mistake(), "Failed"),
            ]
            self._verdicts(builds, config)
        finally:
            await client.close()
            await host.stop()

    async def _declare(self, client: Client, url: str) -> Object:
        self.say(f"A team's CI for {url}")
        document: Object = {
            "apiVersion": CiConfig.resource.api_version, "kind": "CiConfig", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {
                "source": {"git": {"url": url, "branches": ["main"]}, "scm": {"type": "generic"}},
                "strategy": {"standardBuild": {"type": "shell", "builder": "boatyard.dev/host"}},
            },
        }  # fmt: skip
        await client.create(CiConfig.resource, document, NAMESPACE, field_manager="boatyard-demo")
        with self.console.status("waiting for its CI server …"):
            async with asyncio.timeout(BUILD_SECONDS), aclosing(states(client, CiConfig.resource, NAME, NAMESPACE)) as configs:
                async for config in configs:
                    if phase(config) == "Awake":
                        self.console.print(f"  its CI server answers at {config['status']['url']}", highlight=False, soft_wrap=True)
                        return config
                    if phase(config) == "Failed":
                        raise DemoFailed(f"the CI server did not start: {config['status'].get('conditions')}")
        raise DemoFailed("the CiConfig is gone")

    async def _push(self, client: Client, number: int, subject: str, expected: str) -> Object:
        self.say(f"git push: “{subject}”")
        await asyncio.to_thread(self.repository.push)
        name = f"{NAME}-{number}"
        async with asyncio.timeout(BUILD_SECONDS):
            await self._appears(client, name)
            followed = Following(client, name, NAMESPACE, DirectoryObjects(self.data.objects), RealWorld(), self.say)
            async with aclosing(followed.lines()) as lines:
                async for line in lines:
                    text = line.text.decode(errors="replace")
                    if not text.startswith("##[boatyard]"):
                        self.console.print(f"  [dim]{line.container:>8}[/] {escape(text)}", highlight=False, soft_wrap=True)
            build = await outcome(client, name, NAMESPACE)
        verdict = phase(build)
        self.console.print(f"  [bold {COLOURS.get(verdict, 'yellow')}]{name}: {verdict}[/]", highlight=False)
        if verdict != expected:
            raise DemoFailed(f"{name} ended {verdict}, not {expected}: {build.get('status')}")
        return build

    async def _appears(self, client: Client, name: str) -> None:
        while True:
            try:
                await client.get(Build.resource, name, NAMESPACE)
                return
            except NotFound:
                await asyncio.sleep(0.05)

    def _verdicts(self, builds: list[Object], config: Object) -> None:
        self.say("Two verdicts")
        for build in builds:
            verdict = phase(build)
            counts = (build["status"].get("tests") or {}).get("counts") or {}
            tests = f"{counts.get('passed', 0)} of {counts.get('total', 0)} tests passed"
            colour = COLOURS.get(verdict, "yellow")
            told = f"{build['metadata']['name']:<10} {tests:<24} {build['spec']['source'].get('subject', '')}"
            self.console.print(f"  [{colour}]{verdict:<10}[/] {escape(told)}", highlight=False, soft_wrap=True)
        login = self._boatyard("login", "--next", config["status"]["url"]).stdout.strip()
        self.console.print(f"\n  its page     {login}", highlight=False, soft_wrap=True)
        self.console.print(
            f"  look further KUBECONFIG={self.data.kubeconfig} kubectl get ciconfigs,builds,pods", highlight=False, soft_wrap=True
        )

    def _ca(self) -> Path:
        return self.data.pki / "ca.crt"

    def down(self) -> None:
        """End everything that was started."""
        self._boatyard("down", "--pods")

    def _boatyard(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "boatyard.cli.main", command, "--data", str(self.data.root), *arguments],
            capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running.")
def main(keep: bool) -> None:
    """Show the main job on this machine: a push becomes a verdict."""
    console = Console()
    directory = Path(tempfile.mkdtemp(prefix="boatyard-demo-"))
    # Pods run as users of their own and pass through here.
    directory.chmod(0o711)
    demo = Demo(directory, console)
    failed = True
    try:
        asyncio.run(demo.show(demo.up()))
        failed = False
    except (DemoFailed, TimeoutError) as error:
        console.print(f"\n[red]The demo failed:[/] {escape(str(error) or 'a build took too long')}", highlight=False)
    except KeyboardInterrupt:
        console.print("\ninterrupted")
    finally:
        stop = f"boatyard down --pods --data {demo.data.root}"
        if (keep or failed) and processes.running(demo.data.run / "up.pid"):
            if keep:
                console.print(f"\nIt goes on. End it with: .venv/bin/{stop}; rm -rf {directory}", highlight=False, soft_wrap=True)
            else:
                demo.down()
                console.print(f"Logs are in {demo.data.run}", highlight=False)
        else:
            with console.status("ending what was started …"):
                demo.down()
            shutil.rmtree(directory, ignore_errors=True)
            if not failed:
                console.print("\nAll of it is stopped and removed again. To look around: make demo KEEP=1", highlight=False)
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
