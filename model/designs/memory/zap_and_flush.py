"""Unmapping: the TLBs are flushed before the PTE's lock is dropped."""

from model import Page, operation, wait_for
from model.designs.memory.zap_then_flush import Cpu, Unmapper, ZapThenFlush


class ZapAndFlush(ZapThenFlush):
    """munmap() flushes the translations of dirty pages while it holds the PTE's lock.

    Write-back takes that lock too. When it finds no PTE, no CPU has the translation either.

    Source: Linux 1cf35d47712d "mm: split 'tlb_flush_mmu()' into tlb flushing and memory freeing parts", mm/memory.c,
    zap_pte_range(), force_flush.
    """

    @operation(by=Unmapper)
    def unmap(s, me, gone: Page):
        with s.ptl:
            wait_for(gone <= s.mapped)
            s.dirty |= gone & s.pte_dirty
            s.pte_dirty -= gone
            s.mapped -= gone
            yield "zapped"
            s.tlb[Cpu.every] -= gone           # tlb_flush_mmu_tlbonly(), before pte_unmap_unlock()
            yield "flushed"
