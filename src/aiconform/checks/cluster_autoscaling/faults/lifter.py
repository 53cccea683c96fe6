"""The agent that new nodes wait for: takes a startup taint (argument: its key) from every node 2 s after it came."""

import asyncio
import sys

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Node


async def lift(client: AsyncClient, key: str, name: str) -> None:
    await asyncio.sleep(2)
    node = await client.get(Node, name)
    taints = [t.to_dict() for t in node.spec.taints or [] if t.key != key]
    await client.patch(Node, name, {"spec": {"taints": taints or None}})


async def main(key: str) -> None:
    client, tasks = AsyncClient(), set()
    print("ready", flush=True)
    async for event, node in client.watch(Node):
        if event != "DELETED" and any(t.key == key for t in node.spec.taints or []):
            tasks.add(asyncio.create_task(lift(client, key, node.metadata.name)))


asyncio.run(main(sys.argv[1]))
