"""Names in logic: what a user writes is never read as logic, and the text of a proof says what was meant."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from model.check.command import command
from model.designs.catalogue import load
from model.errors import CannotSay, DesignError, UsageError
from model.parametric.inference import certificate
from model.parametric.logic import FALSE, Term, alike, atom, conj, equal, exists, forall, neg
from model.parametric.obligations import Condition
from model.parametric.reading import Reading
from model.parametric.smtlib import comment, formula, read, symbol, text
from model.parametric.solver import Question
from model.program.design import record
from tests.support.packed import asked
from tests.support.paths import DATA

ENGINES = DATA / "reproducers" / "engines"
# file, property, exit code, and what the command says; all but the first ended in an internal error
NAMED = (
    ("a12_newline", "never_lost", 2, r"a step's name is 'in\n(assert false)\n;', and '\n' does not print"),
    ("a1_thread", "never_lost", 1, "refuted"),
    ("a1c_thread", "never_lost", 1, "safe with 2 threads; 4 threads break never_lost"),
    ("a1c_control", "never_lost", 1, "safe with 2 threads; 4 threads break never_lost"),
    ("a1d_page", "same", 0, "any number of pages and clients"),
    ("a2_at", "empty", 1, "1 move"),
    ("a2_at", "never_bad", 1, "refuted"),
    ("a2b_at", "nobody_arrives", 1, "1 move"),
    ("a2c_at", "never", 1, "3 moves"),
    ("a3p_distinct", "clear", 0, "any number of pages and clients"),
)
HOSTILE = ("(assert false)", "a|b", "a\\b", "; x", "%7C", "é", '"', "a\n(assert false)", "|) (assert false) (|", "")


def check(file, rule, *more):
    """(exit code, what is printed) of the command."""
    ran = CliRunner().invoke(
        command, [str(ENGINES / f"{file}.py"), "--property", rule, "-q", *more], standalone_mode=False
    )
    return (
        (ran.return_value, ran.output)
        if ran.exception is None
        else (getattr(ran.exception, "exit_code", 70), str(ran.exception))
    )


@pytest.mark.parametrize(("file", "rule", "code", "says"), NAMED)
def test_a_name_is_refused_or_changes_nothing(file, rule, code, says):
    exit_code, output = check(file, rule)
    assert (code, True) == (exit_code, says in output), output


def test_four_threads_of_a_sort_called_thread_break_what_two_keep():
    assert 1 == check("a1c_thread", "never_lost", "--size", "Thread=4", "--engine", "lanes")[0]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_relation_of_any_name_is_one_relation(name):
    """A name that closes a bracket or a line and asserts what is false would make everything follow."""
    f = forall("Bool", lambda x: neg(atom(name, x)))
    question = Question(["Bool"], {name: ("Bool",), "true": ()}, [Term(name, "Bool")])
    assert "sat" == question.ask(5, f)
    assert "unsat" == question.ask(5, f, atom(name, Term(name, "Bool")))
    assert "sat" == question.ask(5, neg(atom("true")))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_symbol_is_one_word_and_read_back_as_its_name(name):
    f = conj(atom(name, Term(name, name)), exists(name, lambda x: neg(equal(x, Term(name, name)))))
    assert alike(f, formula(text(f), {name: (name,)}, {name: Term(name, name)}))
    assert all(" " <= c <= "~" for c in symbol("s.", name))
    assert "\n" not in comment(name)


def test_formulas_are_alike_whatever_their_variables_are_called_and_not_where_two_are_exchanged():
    """`p(x, y)` for all x and y is `p(u, v)`, and not `p(y, x)`."""

    def each(say):
        return forall("T", lambda x: exists("T", lambda y: say(x, y)))

    assert alike(each(lambda x, y: atom("p", x, y)), each(lambda u, v: atom("p", u, v)))
    assert not alike(each(lambda x, y: atom("p", x, y)), each(lambda x, y: atom("p", y, x)))
    assert not alike(each(lambda x, y: atom("p", x, y)), each(lambda x, y: atom("p", x, x)))


def test_words_of_smt_lib_are_names_like_others():
    words = ("distinct", "true", "and", "xor", "select", "store", "Bool", "Array", "ite", "let")
    assert ["s." + w for w in words] == [symbol("s.", w) for w in words]


def first_condition():
    program, rules = asked("per-slot-cache", "promise_kept")
    reading = Reading(program, None, rules)
    says = {r.name: reading.says(r) for r in rules}
    condition = next(c for c in certificate_conditions(reading, says) if c.name == "write")
    return reading, condition


def certificate_conditions(reading, says):
    from model.parametric.obligations import conditions

    return conditions(reading, says, says)


def test_the_text_of_a_condition_is_read_again_and_compared_with_what_was_meant():
    """A premise more, a goal that is another, a word that is not declared: each is found before it is believed."""
    reading, meant = first_condition()
    script = "\n".join(certificate.script(reading, meant, True))
    assert "" == certificate.misread(script, reading, meant)
    more = script.replace("(set-info", "(assert false)\n(set-info", 1)
    assert "it has" in certificate.misread(more, reading, meant)
    assert certificate.misread(script.replace("s.kernel ?", "s.cache ?", 1), reading, meant)
    other = replace(meant, goals=dict.fromkeys(meant.goals, FALSE))
    assert certificate.misread(script, reading, other)
    assert "other words" in certificate.misread(f"(declare-sort sort.X 0)\n{script}", reading, meant)
    with pytest.raises(UsageError, match="no condition of a proof"):
        read("(define-fun f () Bool true)")


def test_what_a_forged_invariant_calls_its_conjuncts_asserts_nothing():
    """The text of a conjunct stands in a comment; one with a second line used to assert what it liked."""
    reading, meant = first_condition()
    forged = Condition(meant.name, {"x\n(assert false)": FALSE, **meant.premises}, meant.goals, {}, meant.terms)
    script = "\n".join(certificate.script(reading, forged, True))
    assert "; x%0A(assert false)" in script.splitlines()


def test_a_text_that_says_something_else_is_never_written(monkeypatch):
    reading, _ = first_condition()
    monkeypatch.setattr("model.parametric.smtlib.comment", lambda name: f"; {name}\n(assert false)")
    with pytest.raises(CannotSay, match="does not say what is meant"):
        certificate.questions(reading, {}, ())


@pytest.mark.parametrize("name", ["", "a\nb", "\u202e", "\x00", "x" * 121, 7])
def test_a_name_is_one_line_that_prints(name):
    design = load("per-slot-cache")

    class Mine(design):
        """A design of mine."""

        def sync(s, me):
            s.cache = s.kernel
            yield name

    Mine.sync = type(design.sync)(Mine.sync, design.sync.by)
    with pytest.raises(DesignError):
        record(Mine)


def test_a_part_that_is_no_word_is_refused():
    design = load("per-slot-cache")
    mine = type("Mine", (design,), {"__doc__": "Mine.", "a b": type(design.kernel)("a part")})
    with pytest.raises(DesignError, match="a part of Mine is called 'a b'"):
        record(mine)
