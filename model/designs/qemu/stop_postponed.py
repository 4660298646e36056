"""Logging is switched off later, and on again before that."""

from model import Design, Flag, choose, operation, wait_for
from model.designs.qemu.slot_removed_uncollected import MainLoop
from model.expr import always


@always
def no_abort(s):
    """No assertion of the program fails."""
    return ~s.aborted


class LoggingSwitch(Design):
    """Global dirty logging, with its stop put off while the VM stands still.

    Source: QEMU memory_global_dirty_log_start(), memory_global_dirty_log_stop(), 1931076077, 2017-07-28.
    """

    running = Flag("the VM runs", initially=True)
    tracking = Flag("global_dirty_tracking has GLOBAL_DIRTY_MIGRATION")
    postponed = Flag("vmstate_change: the stop waits for the VM to run again")
    active = Flag("a migration is active")
    aborted = Flag("an assertion failed")

    @operation(by=MainLoop)
    def pause(s, me):
        wait_for(s.running)
        s.running = False

    @operation(by=MainLoop)
    def resume(s, me):
        wait_for(~s.running)
        s.running = True
        s.tracking = s.tracking & ~s.postponed     # memory_vm_change_state_handler()
        s.postponed = False

    @operation(by=MainLoop)
    def cancel(s, me):
        wait_for(s.active)
        s.active = False
        s.postponed = s.postponed | ~s.running     # memory_global_dirty_log_stop()
        s.tracking = choose(s.running, False, s.tracking)


class StopPostponed(LoggingSwitch):
    """A migration is cancelled while the VM is stopped, so the log stays on; the next one wants to switch it on.

    It forgets the postponed stop and finds its own flag set already, which an assertion forbids. As a matter of lost
    writes a log that stays on is harmless.

    Source: QEMU 63b41db4bc, 2021-11-01, before a5c90c61a1, 2022-02-07: "QEMU can now easily crash with two continuous
    migration carried out".
    """

    @operation(by=MainLoop)
    def start(s, me):
        wait_for(~s.active)
        s.aborted |= s.tracking                # assert(!(global_dirty_tracking & flags))
        s.postponed = False                    # qemu_del_vm_change_state_handler(vmstate_change)
        s.tracking = True
        s.active = True
