"""The sentence of the 2019 mail: "the cache will only be a subset of the realtime kernel bitmap"."""

from model.expr import FALSE, always


@always
def cache_within_kernel(s):
    """Whenever the slots lock is free, every bit of the cache is set in the kernel's log."""
    held = ~s.slots_lock.free if "slots_lock" in s else FALSE
    return held | (s.cache <= s.kernel)
