"""LB: load buffering: no load sees a store that comes after it. Forbidden."""

from model import Design, Flag, Sort, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)


class LB(Design):
    """r1 := x; y := 1  ||  r2 := y; x := 1.

    Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    r1 = Flag("r1", ghost=True)
    r2 = Flag("r2", ghost=True)
    ran0 = Flag("processor 0 has run")
    ran1 = Flag("processor 1 has run")

    @operation(by=P0)
    def p0(s, me):
        wait_for(~s.ran0)
        s.r1 = s.x
        yield "loaded x"
        s.y = True
        s.ran0 = True
        yield "stored y"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.r2 = s.y
        yield "loaded y"
        s.x = True
        s.ran1 = True
        yield "stored x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.r1 & s.r2)
