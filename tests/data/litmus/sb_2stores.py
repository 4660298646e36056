"""SB 2stores: store buffering with two stores on each side, so a buffer of one entry forbids it. Allowed."""

from model import Design, Flag, Sort, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)


class SB2stores(Design):
    """x := 1; z := 1; r1 := y  ||  y := 1; v := 1; r2 := x.

    Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010.
    """

    v = Flag("v", memory="tso")
    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    z = Flag("z", memory="tso")
    r1 = Flag("r1", ghost=True)
    r2 = Flag("r2", ghost=True)
    ran0 = Flag("processor 0 has run")
    ran1 = Flag("processor 1 has run")

    @operation(by=P0)
    def p0(s, me):
        wait_for(~s.ran0)
        s.x = True
        yield "stored x"
        s.z = True
        yield "stored z"
        s.r1 = s.y
        s.ran0 = True
        yield "loaded y"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.y = True
        yield "stored y"
        s.v = True
        yield "stored v"
        s.r2 = s.x
        s.ran1 = True
        yield "loaded x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & ~s.r1 & ~s.r2)
