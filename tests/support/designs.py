"""Small designs and their properties that tests of several packages ask about; each says what it is for."""

from model import (
    ALL,
    MIGRATION,
    NONE,
    Client,
    Design,
    Flag,
    Guest,
    Lock,
    Pages,
    Queue,
    Slot,
    Sort,
    choose,
    every,
    every_client,
    idle,
    operation,
    wait_for,
)
from model.designs.dirty_log import DirtyLog
from model.designs.naive import Naive
from model.expr import always

T = Sort("T", "a thread")
ONE, TWO = Sort("One", "a thread", size=1), Sort("Two", "another", size=1)
Flusher = Sort("Flusher", "writes the buffer out", size=1)
OneClient = Sort("Client", "migration, the only reader", ("MIGRATION",), size=1)
Writer = Sort("Writer", "threads of the host that write", names=("vhost", "KVM"), size=2)


class Logged(Design):
    """A log of what the guest writes, and nobody who reads it."""

    kernel = Pages("the log")

    @operation
    def write(s, me, page):
        s.kernel |= page


class Announced(Design):
    """A client says that it begins, and only then fills x."""

    x = Pages("x")
    begun = Flag("some client has begun")
    empty = Flag("a client has begun, and x was seen empty then")

    @operation
    def fill(s, me):
        wait_for(~s.begun)
        s.begun = True
        yield "begun"
        s.x = ALL
        yield "filled"

    @operation(by=Guest)
    def look(s, me):
        wait_for(s.begun)
        s.empty = s.empty | (s.x <= NONE)


@always
def never_empty(s):
    """Nobody sees x empty once a client has begun; someone does."""
    return ~s.empty


class Brief(Design):
    """x is full for a moment, and in that moment another thread may fill z."""

    x = Pages("x")
    z = Pages("z")
    begun = Flag("x has been filled")

    @operation
    def flash(s, me):
        wait_for(~s.begun)
        s.x, s.begun = ALL, True
        yield "full"
        s.x = NONE
        yield "empty"

    @operation(by=Guest)
    def fill(s, me):
        wait_for(s.begun)
        s.z = ALL


@always
def never_both(s):
    """x and z are never full at once; they are, for a moment."""
    return ~((ALL <= s.x) & (ALL <= s.z))


class Locked(Design):
    """Two kinds of thread under one lock, and one that looks without it."""

    x = Pages("x")
    seen = Flag("x was seen full")
    lock = Lock("guards x")

    @operation
    def flash(s, me):
        with s.lock:
            s.x = ALL
            yield "full"
            s.x = NONE
            yield "empty"

    @operation(by=Guest)
    def look(s, me):
        s.seen = s.seen | (ALL <= s.x)


@always
def never_seen(s):
    """Nobody sees x full; who takes no lock does."""
    return ~s.seen


@always
def never_bad(s):
    """The flag is never set; it is."""
    return ~s.bad


class LastWriter(Design):
    """The guest empties x before the client fills it; whoever takes the lock afterwards sees x full."""

    x = Pages("written by both, read under the lock only")
    begun = Flag("the client has begun")
    emptied = Flag("the guest has emptied x")
    bad = Flag("x was full although it was emptied")
    lock = Lock("held from the beginning to the filling")

    @operation
    def fill(s, me):
        with s.lock:
            wait_for(~s.begun)
            s.begun = True
            yield "begun"
            s.x = ALL
            yield "filled"

    @operation(by=Guest)
    def empty(s, me):
        wait_for(s.begun & ~s.emptied)
        s.x, s.emptied = NONE, True

    @operation(by=Guest)
    def look(s, me):
        with s.lock:
            s.bad = s.bad | (s.emptied & (ALL <= s.x))
            yield "looked"


class Watched(Design):
    """The guest looks whether the client is within its operation, where it does what nobody reads."""

    own = Pages("read by nobody", per=Client)
    begun = Flag("the client has begun")
    bad = Flag("the client was seen at work")

    @operation
    def work(s, me):
        wait_for(~s.begun)
        s.begun = True
        yield "begun"
        s.own[me] = ALL
        yield "done"

    @operation(by=Guest)
    def look(s, me):
        s.bad = s.bad | (s.begun & ~idle(MIGRATION))


class Spinning(Design):
    """The client goes round for ever in what nobody reads."""

    own = Pages("read by nobody", per=Client)
    bad = Flag("the guest has done harm")

    @operation
    def spin(s, me):
        s.own[me] = ALL
        yield "one"
        s.own[me] = NONE
        yield "two"

    @operation(by=Guest)
    def harm(s, me):
        s.bad = True


class Elsewhere(Watched):
    """The guest does harm at any time after the client has begun; what counts is where the client is then."""

    look = None

    @operation(by=Guest)
    def harm(s, me):
        wait_for(s.begun)
        s.bad = True


class Failing(Design):
    """A call that may fail and then never returns; what it has left behind is used by the guest."""

    left = Flag("a call has failed")
    bad = Flag("it was used")

    @operation
    def call(s, me, fails: bool):
        me.failed = fails
        s.left = fails
        yield "called"
        wait_for(~me.failed)
        yield "returned"

    @operation(by=Guest)
    def use(s, me):
        wait_for(s.left)
        s.bad = True


class Transient(Design):
    """What the guest writes while a client is at work the client reads there, and nowhere else."""

    open = Flag("a client is at work")
    x = Flag("what the guest writes meanwhile")
    bad = Flag("a client has read it")

    @operation
    def work(s, me):
        s.x = False
        s.open = True
        yield "opened"
        me.seen = s.x
        yield "looked"
        s.bad = s.bad | me.seen
        s.open = False
        yield "closed"

    @operation(by=Guest)
    def write(s, me):
        wait_for(s.open)
        s.x = True


class OneEnters(Design):
    """The first client that comes enters, and no other."""

    busy = Flag("some client has come")
    inside = Flag("this client is inside", per=Client)

    @operation
    def enter(s, me):
        wait_for(~s.busy)
        s.busy = True
        yield "came"
        s.inside[me] = True
        yield "entered"


class Lopsided(Design):
    """A client marks one slot, once; what counts is what the first has and the second has not."""

    marked = Pages("marked", per=Slot)
    busy = Flag("a slot was marked")
    bad = Flag("the first has what the second has not")

    @operation
    def mark(s, me, slot):
        wait_for(~s.busy)
        s.busy = True
        s.marked[slot] = ALL

    @operation(by=Guest)
    def look(s, me):
        s.bad = s.bad | (ALL <= s.marked[Slot[0]] - s.marked[Slot[1]])


class LopsidedAgain(Lopsided):
    """The other way round."""

    @operation(by=Guest)
    def look(s, me):
        s.bad = s.bad | (ALL <= s.marked[Slot[1]] - s.marked[Slot[0]])


@always
def harmless_at_work(s):
    """No harm is done while the client is at work; it can be."""
    return idle(MIGRATION) | ~s.bad


class Paired(Design):
    """A client marks one slot and then another, keeps both in mind, and looks at the first again."""

    second = Flag("marked second", per=Slot)
    first = Flag("marked first", per=Slot)
    begun = Flag("the client has begun")
    bad = Flag("the first is still marked")

    @operation
    def mark(s, me, slot, other: Slot):
        wait_for(~s.begun & (slot != other))
        s.begun, s.first[slot] = True, True
        yield "first"
        s.second[other] = True
        yield "second"
        s.bad = s.first[slot]
        yield "looked"


class Rounds(Design):
    """`up` and `down` can go round for ever where nobody starts them, and from there into trouble."""

    up = Flag("on while unreachable things happen")
    down = Flag("the other of the two")
    bad = Flag("what must not be")

    @operation(by=Guest)
    def there(s, me):
        wait_for(s.up)
        s.up = False
        s.down = True

    @operation(by=Guest)
    def back(s, me):
        wait_for(s.down)
        s.up = True
        s.down = False

    @operation(by=Guest)
    def fall(s, me):
        wait_for(s.up)
        s.bad = True


class Counting(Design):
    """Three flags, one after the other: how often it was gone."""

    first = Flag("set at once")
    second = Flag("set then")
    third = Flag("set last")

    @operation
    def go(s, me):
        s.third = s.second
        s.second = s.first
        s.first = True


class Waits(Design):
    """One step, possible until it is taken; then nothing but a write."""

    unread = Pages("never read")
    done = Flag("it was taken")

    @operation
    def write(s, me, page):
        s.unread |= page

    @operation
    def finish(s, me):
        wait_for(~s.done)
        s.done = choose(s.unread <= s.unread, True, s.done)
        s.unread = choose(s.done, s.unread, ~s.unread)


class UpAndDown(Design):
    """A flag goes up and down, and one step is possible only while it is up."""

    unread = Pages("nobody looks at it")
    up = Flag("the window in which it can be finished")
    done = Flag("it was finished")

    @operation
    def raise_it(s, me):
        wait_for(~s.up)
        s.up = True

    @operation
    def lower_it(s, me):
        wait_for(s.up)
        s.up = False

    @operation
    def finish(s, me):
        wait_for(s.up & ~s.done)
        s.done = True


class FlushBlindly(Design):
    """The buffer is written out first, and its bit is taken then: what was stored in between is lost."""

    kernel = Pages("dirty bits of the buffer", initially=ALL)
    unread = Pages("ghost: newest content is not on disk", initially=ALL)
    closed = Flag("nobody stores any more")
    finished = Flag("the buffer is clean")

    @operation
    def write(s, me, page):
        wait_for(~s.closed)
        s.kernel |= page
        s.unread |= page

    @operation(by=Flusher)
    def flush(s, me, page):
        wait_for(page <= s.kernel)
        yield "chosen"
        s.unread -= page
        yield "written"
        s.kernel -= page
        yield "terminated"

    @operation(by=Flusher)
    def close(s, me):
        s.closed = True

    @operation(by=Flusher)
    def finish(s, me):
        wait_for(s.closed & (s.kernel <= NONE))
        s.finished = True


class Plain(Design):
    """One bitmap a client and a shared one."""

    log = Pages("log")
    own = Pages("own", per=Client)
    on = Flag("flag")

    @operation
    def write(s, me, page):
        s.log |= page

    @operation
    def take(s, me):
        s.own[me] |= s.log
        s.log = NONE


class Words(Design):
    """Writers fill a queue of two; one client empties it, and may finish when the writers are between operations."""

    ring = Queue("a bounded queue", length=2)
    mine = Pages("what the client has read", per=OneClient)
    paused = Flag("the guest has paused the device")
    done = Flag("the end")

    @operation(by=Writer)
    def mark(s, me, page):
        wait_for(~s.paused)
        yield "seen"
        s.ring.push(page)
        yield "pushed"

    @operation(by=Guest)
    def pause(s, me):
        s.paused = True

    @operation(by=OneClient)
    def read(s, me):
        s.mine[me] |= s.ring.head
        s.ring.pop()

    @operation(by=OneClient)
    def finish(s, me):
        wait_for(s.paused & every(Writer, lambda w: idle(w)) & s.ring.empty)
        s.done = True


class Overtaking(Design):
    """A plain part is stored while a store waits."""

    field = Flag("memory", memory="tso")
    mark = Flag("a mark that others look at")
    lock = Lock("a lock")

    @operation(by=ONE)
    def write(s, me):
        s.field = True
        yield "stored"
        s.mark = True
        yield "marked"

    @operation(by=TWO)
    def look(s, me):
        wait_for(s.mark)
        s.mark = False


class NobodySyncs(DirtyLog):
    """Whatever the log holds is merged by an operation of another name."""

    @operation
    def report(s, me):
        s.user[every_client] |= s.kernel


class WithAnEnd(DirtyLog):
    """It says itself when it has finished."""

    finished = Flag("done")

    @operation
    def sync(s, me):
        s.finished = True


class Synced(DirtyLog):
    """A sync, and nothing that comes of it."""

    @operation
    def sync(s, me):
        s.user[every_client] |= s.kernel


class NeverCollects(Synced):
    """The bits arrive, and nobody may take them."""

    allowed = Flag("collecting is allowed")

    @operation
    def collect(s, me):
        wait_for(s.allowed)
        DirtyLog.collect.function(s, me)


class AllOnes(Naive):
    """The same as naive, written as the mask that is taken away."""

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= ALL
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"


def clear_cached(s, me, span):
    """Under its lock: the cached bits of a range are taken from the log, and then from the cache."""
    with s.slots_lock:
        me.known = s.cache & span
        s.kernel -= me.known
        yield "cleared"
        s.cache -= me.known
        yield "forgotten"
