"""Soft-dirty bits with several users, each as careful as the one."""

from model import ALL, NONE, Design, Flag, Guest, Pages, every, every_client, operation, wait_for
from model.expr import Client


class SoftDirtyTwoUsers(Design):
    """Each user freezes the process, collects, clears, thaws and reads, and one at a time.

    The bits belong to the process: what the first user clears, the second is never told of. There is no cache below
    the users and no report to all of them, as there is in QEMU.

    Source: Linux 6.1 fs/proc/task_mmu.c, clear_refs_write(); Documentation/admin-guide/mm/soft-dirty.rst. That two
    users destroy each other's bits: our reasoning.
    """

    kernel = Pages("pte_soft_dirty() of the process's pages")
    armed = Pages("the PTE is write-protected", initially=ALL)
    mine = Pages("what this user has collected from pagemap and not read yet", per=Client)
    unread = Pages("ghost: pages whose newest content this user has not read", per=Client)
    frozen = Flag("the process is frozen")
    stopped = Flag("the process has stopped for good")
    done = Flag("this user has read what its last look at pagemap showed", per=Client)
    finished = Flag("every user has")

    @operation
    def write(s, me, page):
        wait_for(~s.frozen & ~s.stopped)
        s.kernel |= page & s.armed
        s.armed -= page
        s.unread[every_client] |= page

    @operation
    def sync(s, me):
        wait_for(~s.frozen)
        s.frozen = True
        s.mine[me] |= s.kernel
        yield "collected"
        s.kernel = NONE
        s.armed = ALL
        s.frozen = False
        yield "cleared"

    @operation
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        s.mine[me] -= want
        s.unread[me] -= want

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped & ~s.frozen)
        s.stopped = True

    @operation
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel
        yield "collected"
        s.unread[me] -= s.mine[me]
        s.mine[me] = NONE
        s.done[me] = True
        s.finished = every(Client, lambda user: s.done[user])
        yield "read"
