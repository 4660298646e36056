"""A third user that clears and reads nothing."""

from model import Sort, every_client, operation
from model.designs.top_layer_and_cache import TopLayerAndCache

Calculator = Sort("Calculator", "the thread that measures the dirty rate", ("the dirty-rate thread",), size=1)


class DirtyRateReset(TopLayerAndCache):
    """The measurement syncs, clears every slot from end to end, and later counts what a second sync reports.

    Its sync tells everybody, as each sync does, and its clear goes through the cache like any other; so whatever it
    clears, the readers have in their bitmaps. That it reads nothing itself does not matter.

    Source: QEMU 7.2 and 10.0 migration/dirtyrate.c, calculate_dirtyrate_dirty_bitmap(),
    dirtyrate_manual_reset_protect().
    """

    @operation(by=Calculator)
    def measure(s, me):
        with s.slots_lock:
            s.cache = s.kernel                 # memory_global_dirty_log_sync()
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        with s.slots_lock:
            me.whole = s.cache                 # memory_region_clear_dirty_bitmap(block->mr, 0, used_length)
            s.kernel -= me.whole
            yield "cleared"
            s.cache -= me.whole
            yield "forgotten"
