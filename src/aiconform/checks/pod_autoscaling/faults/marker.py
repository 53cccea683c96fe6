"""Labels a namespace `autoscaled` as soon as there is a HorizontalPodAutoscaler in it. Prints "ready" at the start."""

import asyncio

from lightkube import ApiError, AsyncClient
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from lightkube.resources.core_v1 import Namespace


async def main() -> None:
    client = AsyncClient()
    print("ready", flush=True)
    while True:
        try:
            async for _, found in client.watch(HorizontalPodAutoscaler, namespace="*", server_timeout=60):
                labels = {"metadata": {"labels": {"autoscaled": "true"}}}
                await client.patch(Namespace, found.metadata.namespace, labels)
        except ApiError as error:
            print(error, flush=True)
            await asyncio.sleep(1)


asyncio.run(main())
