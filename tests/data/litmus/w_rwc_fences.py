"""W+RWC with fences: the store of the third is seen before its load. Forbidden."""

from model import Design, Flag, Sort, fence, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)
P2 = Sort("P2", "processor 2", size=1)


class WRWCfences(Design):
    """x := 1; fence; y := 1  ||  r1 := y; fence; r2 := z  ||  z := 1; fence; r3 := x.

    Source: Alglave, Maranget, Tautschnig, "Herding cats", TOPLAS 36(2), 2014, table III; diy.inria.fr.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    z = Flag("z", memory="tso")
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
        yield "stored x"
        fence()
        s.y = True
        s.ran0 = True
        yield "stored y"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.r1 = s.y
        yield "loaded y"
        fence()
        s.r2 = s.z
        s.ran1 = True
        yield "loaded z"

    @operation(by=P2)
    def p2(s, me):
        wait_for(~s.ran2)
        s.z = True
        yield "stored z"
        fence()
        s.r3 = s.x
        s.ran2 = True
        yield "loaded x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.ran2 & s.r1 & ~s.r2 & ~s.r3)
