"""A control plane with nothing to do: every controller that is discovered starts, settles, and writes nothing any more."""

from __future__ import annotations

from typing import Any

from boatyard.app import discovery
from boatyard.app.control import install_kinds
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.simulation import SimWorld, simulate


def test_an_idle_control_plane_writes_only_its_nodes_heartbeats(sim: Any) -> None:
    async def scenario(world: SimWorld) -> None:
        def controllers(manager: Manager) -> Any:
            settings = Settings(object_store=MemoryObjects(world.now), api_ca_pem="PEM", secrets_key=b"k")
            return discovery.controllers(manager, settings)

        control = sim.control_plane(world, controllers)
        control.component.start()
        await world.sleep(1)
        await install_kinds(control.component.current.services["api"])
        node = sim.node(world, "node-1", control.component, lambda pod: None)
        node.component.start()
        await world.sleep(120)
        control.component.crash()
        await world.sleep(120)
        before = len(world.history)
        await world.sleep(3600)
        idle = [line for line in world.history[before:].splitlines() if line and b"/leases/" not in line]
        assert idle == []

    simulate(1, scenario)
