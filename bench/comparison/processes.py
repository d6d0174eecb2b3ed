"""Starting processes, waiting for them, and ending every one of them by its id."""

import contextlib
import ctypes
import pathlib
import random
import signal
import socket
import subprocess
import time

END_S = 15  # a node says goodbye to its clients first
PORTS = range(32000, 32760)  # below those that the kernel gives to clients
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None)


class Failed(Exception):
    """Why something could not be measured, as the report tells it."""


def _end_with_us():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def process(argv, log, env=None):
    """A process whose output goes to the file `log`. It ends with the block, and should we be killed, with us.

    It has a session of its own: a Ctrl-C reaches us alone, and we end things in order.
    """
    with open(log, "wb") as out:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=env,
            start_new_session=True,
            preexec_fn=_end_with_us,
        )
    try:
        yield child
    finally:
        end(child)


def end(child):
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def output_of(argv, within_s):
    """Returns (exit code, stdout, stderr) of a program; Failed if it takes longer."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(argv, **pipes, start_new_session=True, preexec_fn=_end_with_us) as child:
        try:
            out, errors = child.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{argv[0]} was not done within {within_s:g} s") from None
        finally:
            end(child)
    return child.returncode, out, errors


def wait_for_line(child, log, line, within_s):
    """Waits until the log of `child` has `line`; Failed, with the log's end, if it does not come."""
    deadline = time.monotonic() + within_s
    while True:
        text = pathlib.Path(log).read_text(errors="replace")
        if line in text:
            return
        if child.poll() is not None:
            raise Failed(f"ended with {child.returncode}: {last_line(text)}")
        if time.monotonic() > deadline:
            raise Failed(f"not ready within {within_s} s: {last_line(text)}")
        time.sleep(0.05)


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def free_ports(count):
    """The first of `count` consecutive ports that nobody listens on now."""
    for _ in range(100):
        first = random.randrange(PORTS.start, PORTS.stop - count)
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise Failed(f"no {count} free ports from {PORTS.start} to {PORTS.stop}")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what lingers of a run before does not matter
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def children_of(parent, word):
    """The process ids of the children of `parent` that have `word` in their command line."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            lines = status.read_text().splitlines()
            is_child = any(line.split() == ["PPid:", str(parent)] for line in lines)
            words = (status.parent / "cmdline").read_bytes().split(b"\0")
            if is_child and any(each.startswith(word.encode()) for each in words):
                found.append(int(status.parent.name))
    return sorted(found)
