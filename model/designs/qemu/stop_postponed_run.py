"""What was put off is done before logging is switched on again."""

from model import operation, wait_for
from model.designs.qemu.slot_removed_uncollected import MainLoop
from model.designs.qemu.stop_postponed import LoggingSwitch
from model.designs.qemu.stop_postponed import no_abort as no_abort


class StopPostponedRun(LoggingSwitch):
    """The start runs the postponed stop first, so every start has its stop.

    Between a cancel and the next start the log may stay on; at the start it goes off and on again, and the assertion
    holds. To ignore a start whose stop is still waiting would do as well.

    Source: QEMU a5c90c61a1, 2022-02-07, memory_global_dirty_log_stop_postponed_run().
    """

    @operation(by=MainLoop)
    def start(s, me):
        wait_for(~s.active)
        s.tracking = s.tracking & ~s.postponed     # memory_global_dirty_log_stop_postponed_run()
        s.postponed = False
        s.aborted |= s.tracking                # assert(!(global_dirty_tracking & flags))
        s.tracking = True
        s.active = True
