"""PML with the D bit cleared first, and the log's bit afterwards."""

from model import operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.pml_queue import PmlQueue


class PmlArmBeforeClear(PmlQueue):
    """CLEAR arms the pages and then takes their bits out of the log.

    A write between the two is logged, flushed and marked, and the clear takes that mark away. Its page is not armed
    any more and in no log.

    Source: a mutant of Linux 6.1 virt/kvm/kvm_main.c, kvm_clear_dirty_log_protect(), where the fetch-and-clear stands
    before kvm_arch_mmu_enable_log_dirty_pt_masked().
    """

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        me.gone = s.kernel & want
        s.armed |= s.kernel & want
        yield "protected"
        s.kernel -= me.gone                    # too late
        yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"
