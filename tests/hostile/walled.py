"""Starts a process in a network of its own, from which nothing leads out but what its environment names.

    python walled.py <program> <argument>…

It stands in for a subnet without a route, where Linux lets its user make one: a network namespace with
nothing in it but its own loopback. What a function of that subnet does reach, Lambda's Runtime API and AWS's
endpoints, listens in there under the addresses of the variables below; each connection is taken over by a
process outside. Without a program it ends well where all that can be done.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

REACHED = ("AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA")
# <linux/sched.h>, <linux/sockios.h>, <linux/if.h>
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
INSIDE = 1000  # not root, even in there: what is started has no capability
CHUNK_BYTES = 65536


def ports(environment: Mapping[str, str]) -> list[int]:
    """Of this machine's loopback, those that are to be reached."""
    addresses = {environment[name].rpartition("/")[2] for name in REACHED if name in environment}
    return sorted({int(address.rpartition(":")[2]) for address in addresses})


def enter() -> None:
    """Leave every network for an empty one. Raises OSError where this is not allowed."""
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as loopback:
        name = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(loopback, SIOCGIFFLAGS, name))
        fcntl.ioctl(loopback, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    for name_of_map, text in (
        ("setgroups", "deny"), ("uid_map", f"{INSIDE} {uid} 1"), ("gid_map", f"{INSIDE} {gid} 1"),
    ):  # fmt: skip
        Path("/proc/self", name_of_map).write_text(text, encoding="ascii")


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def carry(listeners: dict[int, socket.socket], of: int) -> None:
    """Outside: take connections from within to the same port here, until process `of` ends."""
    ended = os.pidfd_open(of)
    by_descriptor = {listener.fileno(): (port, listener) for port, listener in listeners.items()}
    while True:
        ready, _, _ = select.select([ended, *by_descriptor], [], [])
        if ended in ready:
            return
        for descriptor, (port, listener) in by_descriptor.items():
            if descriptor in ready:
                inner = listener.accept()[0]
                outer = socket.create_connection(("127.0.0.1", port))
                for one, other in ((inner, outer), (outer, inner)):
                    threading.Thread(target=copy, args=(one, other), daemon=True).start()


def copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := one.recv(CHUNK_BYTES):
            other.sendall(chunk)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def main(*program: str) -> None:
    within, without = socket.socketpair()
    wanted, this = ports(os.environ), os.getpid()
    if os.fork() == 0:
        within.close()
        _, descriptors, _, _ = socket.recv_fds(without, 1, len(wanted))
        made = {port: socket.socket(fileno=fd) for port, fd in zip(wanted, descriptors, strict=True)}
        carry(made, this)
        os._exit(0)
    without.close()
    enter()
    listeners = [listen(port) for port in wanted]
    socket.send_fds(within, [b"."], [listener.fileno() for listener in listeners])
    within.close()
    for listener in listeners:
        listener.close()
    if program:
        os.execv(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
