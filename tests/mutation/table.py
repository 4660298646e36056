"""The mutants: where, what was written, what is written instead, and which tests have to notice.

A mutant that lives says why in `explained`: it is the same program, or one that only answers later or less often.
"""

from dataclasses import dataclass
from hashlib import sha256

ENGINES = "model/engines/"
UNROLLING = ENGINES + "unrolling.py"
ORDER, ALIKE = ENGINES + "packed/partial_order.py", ENGINES + "packed/symmetry.py"
KERNEL, LANES = ENGINES + "packed/kernel.py", ENGINES + "packed/search.py"
SWEEP, LEAST = ENGINES + "packed/sweep.py", ENGINES + "packed/least.py"
LOGIC, READING = "model/parametric/logic.py", "model/parametric/reading.py"
PROVE, CERTIFY = "model/parametric/inference/prove.py", "model/commands/certify.py"
KILLERS = "tests/engines/test_killers.py"
PACKED = ("tests/engines/packed/test_search.py", "-k", "reference or several_words or wider")
PROOF = (
    "tests/parametric/test_prove.py",
    "-k",
    "reading or readings or counts or stays or empty or independently or locks",
)
PROVED = ("tests/parametric/test_prove.py", "-k", "safe_designs or never_proved or others or one_client")
SOLVED = ("tests/parametric/test_solver.py",)
CERTIFIED = ("tests/commands/test_certify.py",)
BOUNDED = ("tests/engines/test_bounded.py",)
REFERENCE = ("tests/designs/test_manifest.py", "-k", "per or naive or recorded")


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        note: what is left out or wrong.
        tests: arguments of pytest.
        explained: why it may live.
    """

    file: str
    note: str
    old: str
    new: str
    tests: tuple
    explained: str = ""

    @property
    def name(self):
        return f"{self.file.removeprefix('model/')}: {self.note}"

    @property
    def key(self):
        """By what a log knows it: another change, or other tests, are another mutant."""
        return sha256(repr((self.file, self.old, self.new, self.tests, self.explained)).encode()).hexdigest()

    def applied(self, text):
        """The text of the file with the change; raises ValueError where the old text does not stand in it once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times in the file")
        return text.replace(self.old, self.new)


def order(note, old, new, explained=""):
    tests = (
        KILLERS,
        "tests/engines/packed/test_reductions.py",
        "-k",
        "waits or transient or left_out or is_needed or without_the_lock or taken_before",
    )
    return Mutant(ORDER, note, old, new, tests, explained)


def alike(note, old, new, explained="", file=ALIKE):
    return Mutant(
        file,
        note,
        old,
        new,
        (
            KILLERS,
            "tests/engines/packed/test_symmetry.py",
            "-k",
            "mind or apart or tells_apart or told_apart or alike or exchanged or network or names or orbits",
        ),
        explained,
    )


def kernel(note, old, new, explained=""):
    return Mutant(KERNEL, note, old, new, PACKED, explained)


MUTANTS = (
    # ------------------------------------------------------------ partial order
    order("writes that others write do not disturb", "self.writes & (other.reads | other.writes)", "self.writes & other.reads"),
    order("reads of what is written do not disturb", "self.writes & (other.reads | other.writes)", "self.writes & other.writes"),
    order("tests of locations do not disturb", " or _noticed(other.tests.get(self.thread), self.moves)", ""),
    order("circles are allowed", "return code != START and all(", "return all("),
    order("steps back are allowed", "e.target == START or e.target > code for e in own", "True for e in own", "an operation is a straight line, so no step leads back; the condition is for operations that would"),
    order("invariants about fields are not looked at", "return bool(effect.writes & self.seen) or _noticed", "return _noticed"),
    order("invariants about locations are not looked at", " or _noticed(self.seen_locations.get(effect.thread), effect.moves)", ""),
    order("a location whose steps may all wait goes alone", "if not any(e.always for e in own) or any(", "if any("),
    order("one direction of disturbing is enough", "a.disturbs(b) or b.disturbs(a) for a in own", "b.disturbs(a) for a in own"),
    order("the other direction is enough", "a.disturbs(b) or b.disturbs(a) for a in own", "a.disturbs(b) for a in own"),
    order("any lock held shuts everybody out", "and not held & self.held", "and not held"),
    # ------------------------------------------------------------ symmetry
    alike("what threads keep in mind is not looked for", "if not _kept_in_mind(instance, sort):", "if True:", "the steps at a location name what it carries, so `Shapes` notices; test_killers shows that one of the two is needed"),
    alike("invariants may tell elements apart", '        found.update(("asked", name, of(case)) for name, case in self.asked)\n', ""),
    alike("the first state may tell elements apart", '        found.update(("first", moved[f.key], f.initial, f.width) for f in self.instance.fields)\n', ""),
    alike("pages that begin differently are alike", "if field.sort == PAGES and field.initial not in (0, instance.full):", "if False:", "no design can say that some pages begin in a set and others do not"),
    alike("whole and shifted leave pages alike", "if expr.op not in PAGE_BY_PAGE:", "if False:"),
    alike("differences may change places", 'EITHER_WAY = {"union"', 'EITHER_WAY = {"minus", "union"'),
    alike("a comparison too few", "3: [(0, 1), (1, 2), (0, 1)]", "3: [(0, 1), (1, 2)]", file=LEAST),
    alike("the greatest for the least", '"{a} = minimum({a}, {b})"', '"{a} = {b}"', file=LEAST),
    # ------------------------------------------------------------ the packed search
    kernel("a guard is forgotten", "tests = [self.value(g) for g in ready if columns(g)]", "tests = [self.value(g) for g in ready if columns(g)][1:]"),
    kernel("a guard is asked before its parameters are chosen", "ready = [g for g in self.guards if parameters(g) <= chosen]", "ready = [g for g in self.guards if parameters(g)]"),
    kernel("changed fields are not cleared", "clear[place.word] |= place.mask", "clear[place.word] |= 0"),
    kernel("a truth value is stored at the wrong bit", 'return f"({self.truth(value)} << {shift})"', 'return self.truth(value)'),
    kernel("a field is read with its neighbours", "& {self.number(((1 << place.width) - 1) << shift)})", "& {self.number(WORD)})"),
    kernel("only the first of several locations counts", "for code in sorted(expr.args[2]))", "for code in sorted(expr.args[2])[:1])"),
    kernel("moves are not counted", 'self.line(f"count += {rows}0.size")', 'self.line(f"count += 1")'),
    kernel("a set is compared where another stands", "inside = self.alignment(expr) if", "inside = 0 if", "comparing at bit 0 shifts more and means the same; the alignment saves shifts"),
    kernel("moves that begin elsewhere are taken alone too", "block = block.take(np.flatnonzero(~at), axis=1)", "pass", "taking more moves than partial order asks for is the whole search"),
    Mutant(LANES, "a checkpoint does not say which invariants were asked", "{instance.sizes} {asked} {sorted", "{instance.sizes} {sorted", (KILLERS, "-k", "gone_on")),
    Mutant(LANES, "a checkpoint does not say which reductions are in force", "{asked} {sorted(reductions)} {places}", "{asked} {places}", ("tests/engines/store/test_checkpoint.py", "-k", "another")),
    Mutant(SWEEP, "levels before a violation count it", "            if bad := self.violations(frontier):\n", "            tally.states += frontier.shape[1]\n            if bad := self.violations(frontier):\n", PACKED),
    # ------------------------------------------------------------ the reference, bounded, induction, refinement
    Mutant(ENGINES + "explicit.py", "the first state is not judged", "for s in level if not holds(s)]", "for s in level if depth and not holds(s)]", (KILLERS, "-k", "first_state")),
    Mutant("model/instance/breadth_first.py", "states are visited again", "                if after not in came:\n", "                if after not in level:\n", REFERENCE),
    Mutant(UNROLLING, "any set may be empty", '"some": lambda pages: pages != 0,', '"some": lambda pages: z3.BoolVal(True),', BOUNDED),
    Mutant(UNROLLING, "a page may be several", "z3.And(pages != 0, pages & (pages - 1) == 0)", "pages != 0", BOUNDED),
    Mutant(UNROLLING, "unknown is nothing found", "                if found == z3.unknown:\n", "                if False:\n", (*BOUNDED, "-k", "know")),
    Mutant(UNROLLING, "a run is not replayed", "if not self.instance.enabled(move, states[i]):", "if False:", (*BOUNDED, "-k", "not_possible")),
    Mutant(UNROLLING, "a step without its guards", "guards += [fold(g, self.table, leaf, memo) for g in ground.guards]", "guards += []", (*BOUNDED, "-k", "even_where or several_invariants")),
    Mutant(UNROLLING, "unknown is an answer", "if found == query.decides:", "if found in (query.decides, z3.unknown):", (KILLERS, "tests/engines/test_induction.py", "tests/engines/test_bounded.py", "-k", "know or cannot_tell")),
    Mutant(ENGINES + "induction.py", "the base is not asked", "return [violated(Unrolling(asked, table)), inductive(Unrolling(asked, table))]", "return [inductive(Unrolling(asked, table))]", ("tests/engines/test_induction.py", "-k", "initial_state or later_than or below_k")),
    Mutant(UNROLLING, "a bad state may stand between", "        self.solver.add(self._last_kept())\n", "", ("tests/engines/test_induction.py", "-k", "keep_the_promise or k_1")),
    Mutant(ENGINES + "induction.py", "locations that nobody can be at are considered", "    runs.anywhere()\n    return Query", "    return Query", ("tests/engines/test_induction.py", "-k", "locations or location")),
    Mutant(ENGINES + "induction.py", "states may come again", "        runs.new()\n", "", ("tests/engines/test_induction.py", "-k", "going_round")),
    Mutant(UNROLLING, "the initial state may be any", "        for term, field in zip(self.states[0], self.instance.fields, strict=True):\n", "        for term, field in ():\n", (*BOUNDED, "-k", "safe_design")),
    Mutant(ENGINES + "refinement.py", "guards are not compared for any size", "return step.name, step.by, step.takes, step.frees, frozenset(guards), frozenset(updates)", "return step.name, step.by, step.takes, step.frees, frozenset(updates)", (KILLERS, "-k", "guard")),
    Mutant(ENGINES + "refinement.py", "locks are not compared for any size", "return step.name, step.by, step.takes, step.frees, frozenset(guards)", "return step.name, step.by, frozenset(guards)", ("tests/engines/test_refinement.py",)),
    Mutant(ENGINES + "refinement.py", "new values are not compared for any size", "frozenset(guards), frozenset(updates), frozenset(params)", "frozenset(guards), frozenset(params)", ("tests/engines/test_refinement.py",)),
    Mutant(ENGINES + "refinement.py", "starts are not compared for any size", "if parts[0] != parts[1]:", "if False:", (KILLERS, "-k", "starts_elsewhere")),
    Mutant(ENGINES + "refinement.py", "inner steps are not followed", "            self.memo[key] = self.closed(reached)", "            self.memo[key] = reached", ("tests/engines/test_refinement.py",)),
    # ------------------------------------------------------------ any number: logic and reading
    Mutant(LOGIC, "a contradiction is not noticed", "if id(zero) in flat or any(id(f.args[0]) in flat for f in flat.values() if f.op == \"not\"):", "if id(zero) in flat:", PROOF, "a simplification: the formula means the same, and z3 sees the contradiction itself"),
    Mutant(LOGIC, "the empty conjunction is false", 'TRUE, FALSE = _node("and"), _node("or")', 'FALSE, TRUE = _node("and"), _node("or")', PROOF),
    Mutant(LOGIC, "otherwise is what holds", "return conj(implies(test, yes), disj(test, no))", "return conj(implies(test, yes), disj(neg(test), no))", PROOF),
    Mutant(LOGIC, "formulas of other variables are alike", 'return f.op, bound.sort, _shape(inside, {**depth, bound: len(depth)})', 'return f.op, bound.sort, _shape(inside, {**depth, bound: 0})', (*SOLVED, "-k", "alike")),
    Mutant(READING, "a chosen set may be empty", "if p.kind == \"some\":\n                    guards", "if False:\n                    guards", PROOF),
    Mutant(READING, "guards are left out", "        guards += [self.meaning(g, env) for g in step.guards]\n", "", PROOF),
    Mutant(READING, "locks are left out", "        guards += [self.free(held, env, but=(step.by, me)) for held in step.takes]\n", "", PROOF),
    Mutant(READING, "an assignment to one changes all", "return new if index is None or each else ite(equal(terms[0], self.term(index, env)), new, value)", "return new", PROOF),
    Mutant(READING, "the second assignment of a step is lost", "for update in (u for u in step.updates if u.variable == relation):", "for update in [u for u in step.updates if u.variable == relation][:1]:", PROOF),
    Mutant(READING, "a thread stays where it was", "return ite(equal(terms[0], me), arrived, old)", "return ite(equal(terms[0], me), disj(arrived, old), old)", PROOF),
    Mutant(READING, "everybody moves", "return ite(equal(terms[0], me), arrived, old)", "return arrived", PROOF),
    Mutant(READING, "what is kept in mind is chosen anew", "        guards += [atom(keeps(where, n), me, chosen_term(n, self.carried_sort(where, n))) for n in where.carried]\n", "", PROOF),
    Mutant(READING, "constants may be one", 'found[f"different {sort}"] = conj(', 'found[f"different {sort}"] = disj(', PROVED, "a weaker axiom: less is proved, nothing wrongly"),
    Mutant(READING, "the property is asked of one element", "return forall(each.sort, lambda x: self.meaning(invariant.holds, {each: x}))", "return exists(each.sort, lambda x: self.meaning(invariant.holds, {each: x}))", PROOF),
    # ------------------------------------------------------------ any number: questions and their answers
    Mutant(PROVE, "unknown counts as unsat", '            if answer != "unsat":\n', '            if answer == "sat":\n', (KILLERS, "-k", "cannot_tell")),
    Mutant(PROVE, "nothing is asked in the end", "    for condition in conditions_of(found):\n", "    for condition in ():\n", ("tests/parametric/test_prove.py", "-k", "safe_designs or survives", KILLERS)),
    Mutant(PROVE, "only the first goal is asked", "for goal, formula in condition.goals.items():", "for goal, formula in list(condition.goals.items())[:1]:", (KILLERS, "tests/parametric/test_prove.py", "-k", "cannot_tell or safe_designs")),
    Mutant(PROVE, "a contradiction at the start is believed", 'if condition.name == "start" and question.ask(QUESTION) == "unsat":', "if False:", PROVED, "sizes below 1 are refused and constants are consistent, so no design reaches it; the question stands as a second net"),
    Mutant(PROVE, "goals are not negated", "question.ask(min(left, QUESTION), neg(formula))", "question.ask(min(left, QUESTION), formula)", PROVED),
    Mutant("model/parametric/obligations.py", "the start is not asked", '    yield Condition("start", {**reading.axioms, "start": reading.initial}, conjuncts, {}, ())\n', "", ("tests/commands/test_certify.py", "-k", "confirmed")),
    Mutant("model/parametric/obligations.py", "the property need not follow", '    yield Condition("property", {**reading.axioms, **conjuncts}, property, {}, ())\n', "", ("tests/commands/test_certify.py", "tests/parametric/test_prove.py", "-k", "confirmed or weakened or survives or dropped")),
    Mutant("model/parametric/obligations.py", "only the last step is asked", "    for transition in reading.transitions:\n", "    for transition in reading.transitions[-1:]:\n", CERTIFIED),
    Mutant("model/parametric/solver.py", "every element for some", 'make = z3.ForAll if f.op == "forall" else z3.Exists', "make = z3.ForAll", SOLVED + PROVED),
    Mutant("model/parametric/solver.py", "premises are not supposed", "solver.add(*self.premises, *", "solver.add(*", PROVED),
    Mutant("model/parametric/solver.py", "the empty disjunction is true", 'z3.BoolVal(f.op == "and", self.context)', "z3.BoolVal(True, self.context)", SOLVED + PROVED),
    Mutant("model/parametric/smtlib.py", "names are written as they are", "word = kind + quote(name, safe=KEPT)", "word = kind + name", SOLVED),
    Mutant("model/parametric/smtlib.py", "names of all kinds share a space", 'SORT, RELATION, TERM = "sort.", "s.", "e."', 'SORT, RELATION, TERM = "", "", ""', SOLVED),
    Mutant("model/parametric/smtlib.py", "a comment may have two lines", 'return "; " + "".join(c if c.isprintable() else quote(c) for c in text)', 'return "; " + text', SOLVED),
    Mutant("model/parametric/cutoff.py", "new values may relate pages", "                same = same if t == ONE else bind(\"forall\", t, same)\n            yield", "                same = logic.TRUE\n            yield", ("tests/parametric/test_prove.py", "tests/engines/packed/test_reductions.py", "-k", "page")),
    Mutant("model/parametric/cutoff.py", "guards may relate pages", "step, implies(step.guard, seen)", "step, logic.TRUE", ("tests/parametric/test_prove.py", "tests/engines/packed/test_reductions.py", "-k", "page")),
    Mutant("model/parametric/cutoff.py", "unknown is discharged", 'return "" if answer == "unsat" else answer', 'return "" if answer != "sat" else answer', ("tests/parametric/test_prove.py", "-k", "z3_cannot_tell")),
    Mutant("model/parametric/inference/certificate.py", "the text is not read again", "        if wrong := misread(found[name], reading, condition):\n", "        if wrong := '':\n", SOLVED),
    Mutant("model/parametric/inference/certificate.py", "possible premises are not asked for", '        yield from ("(set-info :status sat)", "(check-sat)")\n', '        yield ""\n', CERTIFIED),
    # ------------------------------------------------------------ certify
    Mutant(CERTIFY, "what cvc5 cannot tell is an answer", "        if answer == expected:\n            found.answers += 1", "        if answer not in ('sat', 'unsat') or answer == expected:\n            found.answers += 1", CERTIFIED),
    Mutant(CERTIFY, "another answer than stated is none", '        elif answer in ("sat", "unsat"):\n', '        elif False:\n', CERTIFIED),
    Mutant(CERTIFY, "the answers that a proof needs are not required", 'if stated != needed or "unsat" not in stated:', "if False:", CERTIFIED),
    Mutant(CERTIFY, "the manifest need not list the answers", "    if stated != listed:\n", "    if False:\n", CERTIFIED),
    Mutant(CERTIFY, "the design may be another", '    if program.digest != manifest["digest"]:\n', "    if False:\n", CERTIFIED),
    Mutant(CERTIFY, "conditions may be missing", "for name in sorted(generated.keys() - manifest[\"files\"].keys()):", "for name in ():", CERTIFIED),
    Mutant(CERTIFY, "conditions may be others", 'if path.is_file() and (line := difference(', 'if False and (line := difference(', CERTIFIED),
    Mutant(CERTIFY, "a proof of nothing is one", '    if not properties:\n        raise UsageError("the manifest names no property")\n', "", (*CERTIFIED, "-k", "no_property")),
    Mutant(CERTIFY, "a certificate names any file", 'if wrong := [n for n in manifest["files"] if not re.fullmatch', 'if wrong := [n for n in () if not re.fullmatch', (*CERTIFIED, "-k", "outside")),
    Mutant(CERTIFY, "wrong findings are no failure", "return REFUTED if self.wrong else", "return", CERTIFIED),
)  # fmt: skip
