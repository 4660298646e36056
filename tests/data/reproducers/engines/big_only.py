"""Designs that are safe at 2 pages and 2 clients and fail at more."""
from model import Design, Client, Vcpu, Slot, Sort, Pages, Flag, Lock, Queue, operation, wait_for, choose, every, some, idle, NONE, ALL, MIGRATION, every_client, whole, shifted
from model import Page, AnyPages
from model.expr import always
Chunk = Sort("Chunk", "c")
class ThreePages(Design):
    """Three different pages, found in three steps."""
    lost = Flag("x")
    @operation
    def go(s, me, a: Page, b: Page, c: Page):
        yield "chosen"
        wait_for((a != b) & (b != c) & (a != c))
        s.lost = True
        yield "lost"
class ThreeClients(Design):
    """Three clients at one place."""
    l = Lock("x")
    lost = Flag("x")
    here = Flag("x", per=Client)
    @operation
    def go(s, me):
        s.here[me] = True
        yield "here"
        s.here[me] = False
        yield "gone"
    @operation
    def look(s, me):
        s.lost = s.lost | some(Client, lambda a: some(Client, lambda b: s.here[a] & s.here[b] & (a != b) & (a != me) & (b != me)))
class FourClients(Design):
    """Pigeonhole over four clients."""
    lost = Flag("x")
    here = Flag("x", per=Client)
    @operation
    def go(s, me):
        s.here[me] = True
        s.lost = s.lost | some(Client, lambda a: some(Client, lambda b: some(Client, lambda c: s.here[a] & s.here[b] & s.here[c] & (a != b) & (b != c) & (a != c) & (a != me) & (b != me) & (c != me))))
class FivePages(Design):
    """A queue of four different pages and a fifth."""
    q = Queue("x", length=4)
    lost = Flag("x")
    @operation
    def put(s, me, page):
        wait_for((page & s.q.everything) <= NONE)
        s.q.push(page)
    @operation
    def look(s, me, page):
        s.lost = s.lost | (s.q.full & ((page & s.q.everything) <= NONE))
class RegisterChain(Design):
    """Registers of three clients hold different pages."""
    cur = Pages("x")
    lost = Flag("x")
    @operation
    def hold(s, me, page):
        wait_for((page & s.cur) <= NONE)
        s.cur |= page
        yield "held"
        s.cur -= page
        s.lost = s.lost | (~((s.cur - page) <= NONE) & some(Client, lambda c: (c != me) & ~idle(c)) & every(Client, lambda c: ~idle(c)) & some(Client, lambda a: some(Client, lambda b: (a != b) & (a != me) & (b != me))))
        yield "dropped"
class ThreeChunks(Design):
    """Three chunks."""
    done = Flag("x", per=Chunk)
    lost = Flag("x")
    @operation
    def go(s, me, chunk):
        s.done[chunk] = True
    @operation
    def look(s, me, chunk):
        s.lost = s.lost | (~s.done[chunk] & some(Chunk, lambda a: some(Chunk, lambda b: (a != b) & s.done[a] & s.done[b])))
class NestedForallExists(Design):
    """For each page some client."""
    u = Pages("x", per=Client)
    lost = Flag("x")
    @operation
    def take(s, me, page):
        wait_for((page & some(Client, lambda c: s.u[c])) <= NONE)
        s.u[me] |= page
    @operation
    def look(s, me):
        s.lost = s.lost | ((ALL <= some(Client, lambda c: s.u[c])) & every(Client, lambda c: ~(s.u[c] <= NONE)) & some(Client, lambda a: some(Client, lambda b: some(Client, lambda c: (a != b) & (b != c) & (a != c)))))
class SetsOfSets(Design):
    """Two non-empty disjoint sets beside a third page."""
    lost = Flag("x")
    a = Pages("x")
    b = Pages("x")
    @operation
    def go(s, me, want, span):
        s.a = want
        s.b = span
        yield "x"
        s.lost = s.lost | (((s.a & s.b) <= NONE) & ~(s.a <= NONE) & ~(s.b <= NONE) & ~(ALL <= s.a | s.b))
        yield "y"
class ChunkEffect(Design):
    """whole() beyond two pages."""
    a = Pages("x")
    lost = Flag("x")
    @operation
    def go(s, me, page):
        s.a = whole(page, 2)
    @operation
    def look(s, me):
        s.lost = s.lost | (~(s.a <= NONE) & ~(ALL <= s.a))
class ThreeVcpus(Design):
    """Two locks per vCPU, three vCPUs in a circle."""
    l = Lock("x", per=Vcpu)
    lost = Flag("x")
    w = Flag("waits", per=Vcpu)
    @operation(by=Vcpu)
    def go(s, me, vcpu):
        with s.l[me]:
            s.w[me] = vcpu != me
            yield "own"
            s.lost = s.lost | (every(Vcpu, lambda v: s.w[v]) & some(Vcpu, lambda a: some(Vcpu, lambda b: (a != b) & (a != me) & (b != me) & (vcpu == a))))
            s.w[me] = False
            yield "both"
class OneVcpuOnly(Design):
    """Safe with one client: the property that somebody else."""
    lost = Flag("x")
    busy = Flag("x", per=Client)
    @operation
    def go(s, me):
        s.busy[me] = True
        yield "busy"
        s.lost = s.lost | every(Client, lambda c: s.busy[c]) & some(Client, lambda a: some(Client, lambda b: some(Client, lambda c: (a != b) & (b != c) & (a != c))))
        s.busy[me] = False
        yield "done"
@always
def never_lost(s):
    """Never lost."""
    return ~s.lost
