"""Which VM a descriptor is: a dup'ed one, or a child's, is the VM that it was made from.

Source: Linux man page kcmp(2).
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from model.monitor.remote import LIBC

KCMP, KCMP_FILE = 312, 0


class Vms:
    """Numbers VMs in the order in which they are met.

    Args:
        attached: there may be VMs whose creation was not seen.
    """

    def __init__(self, attached: bool) -> None:
        self.attached, self.count = attached, 0
        self.known: dict[tuple[int, int], int] = {}  # (process, descriptor) -> VM

    def created(self, pid: int, fd: int) -> int:
        """A new VM, whatever the descriptor was before."""
        self.known[pid, fd] = self.count
        self.count += 1
        return self.count - 1

    def of(self, pid: int, fd: int) -> int:
        """The number of the VM; a new one where it is none that was met before."""
        if (pid, fd) not in self.known:
            same = [vm for at, vm in self.known.items() if same_file(pid, fd, *at)]
            self.known[pid, fd] = same[0] if same else self.only_lost() if is_vm(pid, fd) else self.created(pid, fd)
        return self.known[pid, fd]

    def only_lost(self) -> int:
        """The VM whose descriptors are all closed, of which this is a copy; a new one unless there is just one."""
        alive = {vm for at, vm in self.known.items() if is_vm(*at)}
        lost = [vm for vm in range(self.count) if vm not in alive]
        if len(lost) == 1 and not self.attached:
            return lost[0]
        self.count += 1
        return self.count - 1


def same_file(pid: int, fd: int, other: int, other_fd: int) -> bool:
    return bool(LIBC.syscall(KCMP, pid, other, KCMP_FILE, fd, other_fd) == 0)


def is_vm(pid: int, fd: int) -> bool:
    """The descriptor is open, and that of a VM."""
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/fd/{fd}").readlink()) == "anon_inode:kvm-vm"
    return False
