"""AMD3: each sees its own store before the other one. Allowed."""

from model import Design, Flag, Sort, operation, wait_for
from model.expr import always

P0 = Sort("P0", "processor 0", size=1)
P1 = Sort("P1", "processor 1", size=1)


class AMD3(Design):
    """x := 1; r1 := x; r2 := y  ||  y := 1; r3 := y; r4 := x.

    Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010; AMD64 manual, vol. 2, 7.2.
    """

    x = Flag("x", memory="tso")
    y = Flag("y", memory="tso")
    r1 = Flag("r1", ghost=True)
    r2 = Flag("r2", ghost=True)
    r3 = Flag("r3", ghost=True)
    r4 = Flag("r4", ghost=True)
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
        s.ran0 = True
        yield "loaded y"

    @operation(by=P1)
    def p1(s, me):
        wait_for(~s.ran1)
        s.y = True
        yield "stored y"
        s.r3 = s.y
        yield "loaded y"
        s.r4 = s.x
        s.ran1 = True
        yield "loaded x"


@always
def never(s):
    """The outcome does not occur."""
    return ~(s.ran0 & s.ran1 & s.r1 & ~s.r2 & s.r3 & ~s.r4)
