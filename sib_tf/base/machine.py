"""The machine that this process runs on."""

import os
from pathlib import Path


def name() -> str:
    """How many processors of which kind it has."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} x {next(models, 'unknown processor')}"
