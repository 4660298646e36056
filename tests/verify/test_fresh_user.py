"""Slips of somebody who has read the README and nothing else: each is refused, refuted, or said."""

import pytest

from tests.support.command import check

HEAD = """\"\"\"A design.\"\"\"

from model import *
from model.designs.dirty_log import DirtyLog
from model.expr import always

"""
DESIGN = '''
class Mine(DirtyLog):
    """Mine."""

    cache = Pages("what the last GET_DIRTY_LOG reported")
    slots_lock = Lock("guards the cache")

    @operation
    def sync(s, me):
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            s.kernel -= s.cache & want
            s.cache -= want
            yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
'''
GUARD, LOCK, MERGE = (
    "wait_for(want <= s.mine[me])",
    'slots_lock = Lock("guards the cache")',
    "s.user[every_client] |= s.cache",
)
CLEAR, FORGET = "    @operation\n    def clear", "            s.cache -= want\n"
FLAG = f'{LOCK}\n    flag = Flag("a flag")'
QUEUE = f"""{LOCK}
    ring = Queue("the ring", length=2)

    @operation(by=Guest)
    def write(s, me, page):
        s.ring.push(page)
        s.kernel |= page
        s.unread[every_client] |= page
"""
RULE = '\n\n@always\ndef rule(s, client):\n    """A rule."""\n    return {}\n'
WATCH = '''

@always
class rule:
    """A rule."""

    seen = Flag("seen")

    def observe(step, before, s, me):
        if step.name == "clear":
            s.seen |= ~(before.kernel <= before.mine[me])

    def holds(s):
        return ~s.seen
'''
PROVED, REFUTED, REFUSED, OPEN = 0, 1, 2, 3
SLIPS = {  # (what is replaced, by what), what is added, exit code, what is said
    "flag that nothing sets": ((GUARD, f"{GUARD}\n        wait_for(s.flag)"), "", OPEN, "flag is never set"),
    "sort": ((CLEAR, CLEAR.replace("operation\n", "operation(by=Vcpu)\n")), "", REFUSED, "mine is per Client"),
    "premise that never holds": ((), RULE.format("~s.flag | (s.unread[client] <= NONE)"), PROVED, "flag is never set"),
    "tautology": ((), RULE.format("(s.cache == s.kernel) | ~(s.cache == s.kernel)"), PROVED, "vacuous: it holds vac"),
    "sides exchanged": ((), RULE.format("NONE <= s.kernel & s.unread[client]"), PROVED, "it holds of every state"),
    "part misspelt": ((), RULE.format("s.cashe <= s.kernel"), REFUSED, "did you mean 'cache'?"),
    "step misspelt": ((), WATCH, REFUSED, "it looks for the step 'clear'"),
    "no operation": ((CLEAR, "    def clear"), "", REFUSED, "Mine.clear is no operation"),
    "lock kept": (
        ("with s.slots_lock:\n            s.kernel", "s.slots_lock.acquire()\n        if 1:\n            s.kernel"),
        "",
        REFUSED,
        "slots_lock is taken and never freed",
    ),
    "index out of range": ((MERGE, MERGE.replace("every_client", "Client[5]")), "", REFUSED, "needs at least 6"),
    "one bitmap for all": ((MERGE, "s.user[me] |= s.cache"), "", REFUTED, "refuted"),
    "reversed difference": (
        ("s.kernel -= s.cache & want", "s.kernel = (s.cache & want) - s.kernel"),
        "",
        REFUTED,
        "moves",
    ),
    "finished at the start": ((LOCK, f'{LOCK}\n    finished = Flag("x", initially=True)'), "", REFUTED, "1 move"),
    "register that is not read": (
        (FORGET, f"            me.known = s.cache\n{FORGET}"),
        "",
        PROVED,
        "sets me.known and never",
    ),
    "guard that always holds": (
        (GUARD, "wait_for((want <= s.mine[me]) | ~(want <= s.mine[me]))"),
        "",
        PROVED,
        "a guard of Mine.clear.chosen (line 24) is always true",
    ),
    "choose with one side": (
        ("s.cache = s.kernel", "s.cache = choose(s.flag, s.kernel, s.kernel)"),
        "",
        PROVED,
        "unused: no operation uses flag",
    ),
    "queue that is only filled": ((LOCK, QUEUE), "", PROVED, "ring is filled, and nothing takes out of it"),
    "operation defined twice": (
        (),
        "\n    @operation\n    def sync(s, me):\n        s.user[me] |= s.kernel\n",
        REFUSED,
        "Mine.sync is defined twice, and the first one, in line 15, is lost",
    ),
    "rule defined twice": ((), RULE.format("s.cache <= s.kernel") * 2, REFUSED, "rule is defined twice"),
}
FAST = (
    "operation defined twice",
    "rule defined twice",
    "register that is not read",
    "guard that always holds",
    "queue that is only filled",
    "choose with one side",
)


def outcome(slip, directory):
    replaced, added, code, said = SLIPS[slip]
    text = DESIGN.replace(*replaced) if replaced else DESIGN
    assert text != DESIGN or added
    if "s.flag" in text + added:
        text = text.replace(LOCK, FLAG)
    (directory / "mine.py").write_text(HEAD + text + added)
    asked = ["--property", "rule"] if "rule" in added else []
    done = check(directory / "mine.py", *asked, "--pages", 1, "--clients", 2, "--engine", "lanes", "-q")
    words = " ".join((done.stdout + done.stderr).split())
    assert (code, True) == (done.returncode, said in words), words


@pytest.mark.parametrize("slip", FAST)
def test_a_slip_is_refused_refuted_or_said(slip, tmp_path):
    outcome(slip, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("slip", [s for s in SLIPS if s not in FAST])
def test_every_slip_is_refused_refuted_or_said(slip, tmp_path):
    outcome(slip, tmp_path)
