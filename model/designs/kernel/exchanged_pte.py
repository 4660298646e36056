"""An SPTE that is changed by one locked instruction."""

from model import Machine, Page, operation
from model.designs.kernel.flush_if_changed import FlushIfChanged


class ExchangedPte(FlushIfChanged):
    """Ageing takes the A bit away by one atomic instruction, so it cannot take a W bit away that it never saw.

    A page is then protected only by someone who flushes afterwards, and "already protected, no flush" is right.

    Source: Linux ba3a6120a4e7 "KVM: x86/mmu: Use atomic XCHG to write TDP MMU SPTEs with volatile bits".
    """

    @operation(by=Machine)
    def age(s, me, gfn: Page):
        s.accessed -= gfn                      # tdp_mmu_clear_spte_bits(): locked, only the A bit
