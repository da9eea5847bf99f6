"""Results of long tests as lines of JSON, kept as they come."""

import json
import os
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class ResultFile:
    """The file `name` in the folder that RELIABILITY_RESULTS names; without that variable, nothing is kept."""

    def __init__(self, name: str) -> None:
        folder = os.environ.get("RELIABILITY_RESULTS")
        self.path = Path(folder, name) if folder else None
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def append(self, record: Record) -> None:
        if self.path:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def records(self) -> list[Record]:
        if not self.path or not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
