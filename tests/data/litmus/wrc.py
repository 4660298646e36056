"""WRC: write to read causality. Forbidden."""

from model import Design, Flag, Sort, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)
P2 = Sort("P2", "processor 2", size=1)


class WRC(Design):
    """x := 1  ||  r1 := x; y := 1  ||  r2 := y; r3 := x.

    Source: Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 36(2), 2014, table III; diy.inria.fr.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    r1 = Flag("r1", ghost=True)
    r2 = Flag("r2", ghost=True)
    r3 = Flag("r3", ghost=True)
    ran0 = Flag("processor 0 has run")
    ran1 = Flag("processor 1 has run")
    ran2 = Flag("processor 2 has run")

    @operation(by=P0)
    def p0(s, me):
        wait_for(~s.ran0)
        s.x = True
        s.ran0 = True
        yield "stored x"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.r1 = s.x
        yield "loaded x"
        s.y = True
        s.ran1 = True
        yield "stored y"

    @operation(by=P2)
    def p2(s, me):
        wait_for(~s.ran2)
        s.r2 = s.y
        yield "loaded y"
        s.r3 = s.x
        s.ran2 = True
        yield "loaded x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.ran2 & s.r1 & s.r2 & ~s.r3)
