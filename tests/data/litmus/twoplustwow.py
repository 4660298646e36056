"""2+2W: both first stores cannot be last in memory. Forbidden."""

from model import Design, Flag, Sort, fence, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)


class TwoPlusTwoW(Design):
    """x := 1; y := 2  ||  y := 1; x := 2.

    The value 2 is False: what counts is which store was last.

    Source: Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 36(2), 2014, table III; diy.inria.fr.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    ran0 = Flag("processor 0 has run")
    ran1 = Flag("processor 1 has run")

    @operation(by=P0)
    def p0(s, me):
        wait_for(~s.ran0)
        s.x = True
        yield "stored x"
        s.y = False
        yield "stored y"
        fence()
        s.ran0 = True
        yield "drained"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.y = True
        yield "stored y"
        s.x = False
        yield "stored x"
        fence()
        s.ran1 = True
        yield "drained"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.x & s.y)
