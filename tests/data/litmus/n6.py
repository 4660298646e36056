"""n6: a processor sees its own store early, and that store is last in memory. Allowed."""

from model import Design, Flag, Sort, fence, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)


class N6(Design):
    """x := 1; r1 := x; r2 := y  ||  y := 1; x := 2.

    The value 2 is False: what counts is which store was last.

    Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010.
    Found by Loewenstein.
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
        s.x = True
        yield "stored x"
        s.r1 = s.x
        yield "loaded x"
        s.r2 = s.y
        yield "loaded y"
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
    return ~(s.ran0 & s.ran1 & s.r1 & ~s.r2 & s.x)
