"""Names that try to be read as something else, and one design that can bear them in every position."""

import inspect
import keyword

from model import ALL, NONE, Design, Flag, Guest, Lock, Page, Pages, Sort, every, wait_for
from model.errors import ModelError
from model.expr import Operation, always
from model.instance.problem import Problem
from model.program.design import record

BROKEN = [
    "a\nb",
    "a\r\nb",
    "in\n(assert false)\n;",
    "\u2028",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "�",
    "a\tb",
    "\x7f",
    "\x85",
]
SIGNS = ["(", ")", "()", "(assert false)", ") (assert false) (", "|", "a|b", "||", "\\", "a\\", "\\n", '"', 'a"b', "'"]
SIGNS += [
    "`x`",
    "$(touch x)",
    "${x}",
    "%s",
    "%n",
    "{0}",
    "{{7*7}}",
    "#",
    "##",
    "a;b",
    ";",
    "; x",
    "--",
    "-- x",
    "---- MODULE",
]
SIGNS += [
    "====",
    "\\*",
    "\\* x",
    "(*",
    "*)",
    "/*",
    "*/",
    "*/ int x; /*",
    "//",
    "// x",
    "<!--",
    "-->",
    "]]>",
    "<b>",
    "&amp;",
]
SIGNS += [
    "</script>",
    "a b",
    " a",
    "a ",
    "0",
    "1a",
    "-1",
    "a.b",
    "a,b",
    "a:b",
    "a=b",
    "a==b",
    "a->b",
    "a@b",
    "a?b",
    "a!b",
]
SIGNS += [
    "[0]",
    "a[0]",
    "é",
    "ß",
    "K",
    "ﬁ",
    "x²",
    "漢字",
    "ядро",
    "a\u0301",
    "x" * 120,
    "x" * 121,
    "x" * 5000,
    "?c0",
    "",
    " ",
]
C = "int char auto register volatile goto sizeof union static inline return if else for while do switch default main"
C += " errno NULL stdin linux unix EOF printf malloc uint64_t bool true false word moves broken count emit set call"
PROMELA = (
    "active assert atomic bit byte chan d_step do od fi init proctype mtype never skip timeout run pid len _pid now"
)
PROMELA += " np_ _last STDIN hidden show xr xs ltl c_code unsigned printf empty full nempty nfull notrace trace select"
PROMELA += (
    " c_expr c_decl c_state c_track get_priority set_priority in eval inline local nfull xs priority provided unless"
    " always eventually until weakuntil release implies equivalent idle next P0 Air0 MAXPROC si_pid st_mtime uchar Max"
    " end_x accept_x progress_x trans wasnew"
)
TLA = "MODULE EXTENDS CONSTANT VARIABLE ASSUME LET IN IF THEN ELSE CASE OTHER CHOOSE EXCEPT UNION SUBSET DOMAIN ENABLED"
TLA += " UNCHANGED WF_x SF_x INSTANCE LOCAL THEOREM PROOF LAMBDA TRUE"
TLA += " FALSE BOOLEAN STRING Int Real Infinity Len Append INIT NEXT INVARIANT SYMMETRY VIEW ALIAS _PERIODIC"
TLA += " DEFINE Nat Seq Page Init Next Spec vars"
SMT = (
    "distinct xor select store and or not ite let forall exists push pop exit par as Bool Int Real Array BitVec concat"
)
SMT += " extract set0 bvsub bvult implies zero_extend DECIMAL sat theory choice move init"
SMT += " abs div bvand bvor bvnot bvadd root-obj match check-sat Client"
SMT += " Thread Slot Guest thread page at idle free me s holds"
WORDS = [w for text in (C, PROMELA, TLA, SMT, " ".join(keyword.kwlist)) for w in text.split()]
NAMES = tuple(dict.fromkeys([*BROKEN, *SIGNS, *WORDS]))
PLAIN = {
    "design": "Plain",
    "part": "log",
    "flag": "seen",
    "lock": "guard",
    "sort": "Thing",
    "element": "the first",
    "operation": "work",
    "step": "begun",
    "last": "ended",
    "register": "kept",
    "parameter": "chosen",
    "property": "nothing_is_seen",
}


def problem(names, *, safe):
    """The design whose parts are called so, at 2 pages and 2 of each sort; raises ModelError where a name is refused.

    It is refuted in 3 moves, or, where `safe`, holds for any number.
    """
    names = {**PLAIN, **names}
    sort = Sort(names["sort"], "a thing", (names["element"],))

    def work(s, me, **given):
        (want,) = given.values()
        with getattr(s, names["lock"]):
            setattr(me, names["register"], want)
            setattr(s, names["part"], getattr(s, names["part"]) | want)
            yield names["step"]
            both = ALL <= getattr(s, names["part"])
            getattr(s, names["flag"])[me] = (both & ~both) if safe else both & (getattr(me, names["register"]) == want)
            yield names["last"]

    def write(s, me):
        wait_for(~(getattr(s, names["part"]) <= NONE))
        setattr(s, names["part"], NONE)

    usual = inspect.Parameter.POSITIONAL_OR_KEYWORD
    kinds = {"s": inspect.Parameter.empty, "me": inspect.Parameter.empty, names["parameter"]: Page}
    work.__signature__ = inspect.Signature([inspect.Parameter(n, usual, annotation=k) for n, k in kinds.items()])
    members = {
        "__doc__": "A design.",
        "__module__": "generated",
        names["part"]: Pages("pages"),
        names["flag"]: Flag("a flag", per=sort),
        names["lock"]: Lock("a lock"),
        names["operation"]: Operation(work, sort),
        "other_" + PLAIN["operation"]: Operation(write, Guest),
    }
    if len(members) < 7:
        raise ModelError("one name in two positions of a class")

    def holds(s):
        return every(sort, lambda one: ~getattr(s, names["flag"])[one])

    holds.__name__, holds.__doc__ = names["property"], "Nothing is seen."
    rule = always(holds)
    design = type(names["design"], (Design,), members)
    return rule, Problem.of(record(design), rule, pages=2, sizes={names["sort"]: 2})


def asked(names, *, safe=False):
    """(property, problem), or nothing where a name is refused, by us or by Python itself."""
    try:
        return problem(names, safe=safe)
    except ModelError:
        return None
    except (ValueError, IndexError):  # what is no parameter and no class of Python
        assert {"parameter", "design"} & set(names)
        return None
