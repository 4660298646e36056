"""A sync that tells only the client that asked."""

from model import operation
from model.designs.dirty_log import SlotCache
from model.designs.top_layer_and_cache import TopLayerAndCache


class AskerOnly(SlotCache):
    """A GET is merged only into the bitmap of the client that asked; its clear then hides the page from the others.

    Source: a mutant of cpu_physical_memory_set_dirty_lebitmap(), whose condition for MIGRATION is real (ae7a2bca8a).
    """

    @operation
    def sync(s, me):
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[me] |= s.cache              # and nobody else's
            yield "merged"

    clear = TopLayerAndCache.clear
