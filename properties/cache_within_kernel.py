"""The sentence of the 2019 mail: "the cache will only be a subset of the realtime kernel bitmap"."""

from model.expr import FALSE, always


@always
def cache_within_kernel(s):
    """Whenever the slots lock is free, every bit of the cache is set in the kernel's log.

    It is what QEMU's comment relies on when it clears what the cache shows. Sufficient in QEMU's code, it is not what
    carries the proof: a design may break it and lose nothing, as long as whatever the cache shows is still to be read.

    Source: QEMU accel/kvm/kvm-all.c, kvm_log_clear_one_slot(); Peter Xu's mail of 2019-05-08.
    """
    held = ~s.slots_lock.free if "slots_lock" in s else FALSE
    return held | (s.cache <= s.kernel)
