"""The rule of the tracker itself."""

from model.expr import NONE, Client, always, every, idle


@always
def armed_or_logged(s):
    """While no client is inside an operation, every page is dirty in the current log or armed.

    A page that is neither is written silently. Inside an ioctl a design may break the rule for a moment; a queue that
    the hardware keeps (PML), or a fault that makes the page writable before it marks it, breaks it for longer and
    needs an argument of its own.

    Source: M. Tsirkin in Linux edde99ce0529: "all pages are either dirty in the current bitmap, or write-protected".
    """
    return ~every(Client, lambda c: idle(c)) | (~(s.kernel | s.armed) <= NONE)
