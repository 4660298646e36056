"""IRIW: independent reads of independent writes: one order of stores for all. Forbidden."""

from model import Design, Flag, Sort, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)
P2 = Sort("P2", "processor 2", size=1)
P3 = Sort("P3", "processor 3", size=1)


class IRIW(Design):
    """x := 1  ||  y := 1  ||  r1 := x; r2 := y  ||  r3 := y; r4 := x.

    Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    r1 = Flag("r1", ghost=True)
    r2 = Flag("r2", ghost=True)
    r3 = Flag("r3", ghost=True)
    r4 = Flag("r4", ghost=True)
    ran0 = Flag("processor 0 has run")
    ran1 = Flag("processor 1 has run")
    ran2 = Flag("processor 2 has run")
    ran3 = Flag("processor 3 has run")

    @operation(by=P0)
    def p0(s, me):
        wait_for(~s.ran0)
        s.x = True
        s.ran0 = True
        yield "stored x"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.y = True
        s.ran1 = True
        yield "stored y"

    @operation(by=P2)
    def p2(s, me):
        wait_for(~s.ran2)
        s.r1 = s.x
        yield "loaded x"
        s.r2 = s.y
        s.ran2 = True
        yield "loaded y"

    @operation(by=P3)
    def p3(s, me):
        wait_for(~s.ran3)
        s.r3 = s.y
        yield "loaded y"
        s.r4 = s.x
        s.ran3 = True
        yield "loaded x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.ran2 & s.ran3 & s.r1 & ~s.r2 & s.r3 & ~s.r4)
