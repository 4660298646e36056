"""A user's design whose names and texts try to break every format; what it does is top-layer's race."""

from model import ALL, NONE, Flag, Pages, Sort, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.naive import Naive

Böse = Sort(
    "Böse",
    'a writer "called" <b>anything</b> -->',
    names=(
        "\"><script>alert('x')</script>`|%0A::error::end;#1 *) */ ]]> "
        "\n\r\x07\x1b[31m\ud800 {0} [a](b) Ümläut 漢字 \u202e",
    ),
    size=1,
)


class Évil(Naive):
    """A "quoted" <script>alert(1)</script> `backtick` docstring | with % signs, */ and *) and ]]> --> 漢字.

    ```
    ::error file=x::y
    ```
    # heading; end \x07
    """

    ядро = Pages('a "doc" of a field with */ and *) and <img src=x onerror=alert(1)> \n ``` `tick` 漢字')
    end = Flag("a reserved word of several languages")
    printf = Pages("another |%s|", per=Böse, initially=ALL)

    @operation(by=Böse)
    def write(s, me, page):
        s.kernel |= page
        s.unread[DirtyLog.user.per.every] |= page
        s.ядро |= page
        s.end = True
        s.printf[me] = NONE

    @operation
    def clear(s, me, größe):
        wait_for(größe <= s.mine[me])
        me.init = größe
        s.kernel -= größe
        yield 'cléared "now" */ *) <i>`x`</i> | %d \\ ; # end'
        DirtyLog.read(s, me, me.init)
        yield "read \\"
