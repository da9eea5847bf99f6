"""Firefox, driven by Playwright over WebDriver BiDi.

Playwright reaches an installed Firefox over BiDi, and sets the colour scheme of each page by a command that Firefox
does not know yet. This module run as a program, `python -P firefox.py <firefox> <argument>…`, starts Firefox and stands
between the two: it answers that command itself, and passes on everything else.
"""

import asyncio
import functools
import json
import re
import shlex
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

LISTENING_PATTERN = re.compile(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)")
UNKNOWN_COMMAND = "emulation.setMediaFeaturesOverride"


def launch_firefox(playwright: Playwright, firefox: str, folder: Path) -> Browser:
    """Launch Firefox behind the relay. Its media queries are the system's: light, and no device that can hover."""
    program = folder / "firefox"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-P", __file__, firefox])} "$@"\n')
    program.chmod(0o755)
    return playwright.firefox.launch(executable_path=program, channel="moz-firefox")


async def relay(client: ServerConnection, port: int) -> None:
    """Pass messages on between Playwright and Firefox, until either closes."""
    assert client.request
    async with connect(f"ws://127.0.0.1:{port}{client.request.path}", max_size=None) as firefox:

        async def pass_commands() -> None:
            async for message in client:
                command = json.loads(message)
                if command["method"] == UNKNOWN_COMMAND:
                    await client.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
                else:
                    await firefox.send(message)
            await firefox.close()

        async def pass_answers() -> None:
            async for message in firefox:
                await client.send(message)
            await client.close()

        await asyncio.gather(pass_commands(), pass_answers())


async def run(*command: str) -> None:
    """Run Firefox until it ends, and tell Playwright the relay's address instead of its own."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr
    async for line in process.stderr:
        text = line.decode(errors="replace")
        if match := LISTENING_PATTERN.search(text):
            port = int(match[1])
            server = await serve(functools.partial(relay, port=port), "127.0.0.1", 0, max_size=None)
            text = text.replace(f":{port}", f":{server.sockets[0].getsockname()[1]}")
        sys.stderr.write(text)
        sys.stderr.flush()
    await process.wait()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
