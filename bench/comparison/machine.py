"""On what it was measured."""

import datetime
import os
import pathlib
import platform
import re
import subprocess


def said_by(*argv):
    try:
        out = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return out.splitlines()[0] if out else ""


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gb():
    total = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return f"{int(total[1]) / 1024 / 1024:.0f} GB" if total else ""


def commit():
    """The short id, with `-changed` if the tree is not what was committed."""
    short = said_by("git", "rev-parse", "--short", "HEAD") or "unknown"
    return short + ("-changed" if said_by("git", "status", "--porcelain", "--untracked-files=no") else "")


def facts():
    redis = re.search(r"v=(\S+)", said_by("redis-server", "--version"))
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "CPU": cpu_model(),
        "cores": os.cpu_count(),
        "memory": memory_gb(),
        "kernel": platform.release(),
        "Redis": redis[1] if redis else "none",
        "Node": said_by("node", "--version") or "none",
        "load average at start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
