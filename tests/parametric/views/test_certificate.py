"""Certificates of views: confirmed by both roads, and fifteen ways to tamper with one."""

import json
import shutil
from math import inf

import pytest

from model import Client, Flag, every, operation, wait_for
from model.commands import certify_views
from model.commands.certify import certify
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.inference.certificate import write_files
from model.parametric.views import certificate
from model.parametric.views.checker import wrong
from model.parametric.views.conditions import conditions, of_json
from model.parametric.views.fixpoint import Ones
from model.parametric.views.look import Look
from model.parametric.views.one_page import one_page
from model.parametric.views.situations import Situations
from model.program.design import record
from tests.support.designs import Logged
from tests.support.nightly import rest_nightly
from tests.support.proofs import by_views

PROVED = (
    ("per-slot-cache", "promise_kept"),
    ("store-then-mark", "complete_copy"),
    ("swap-before-protect", "complete_copy"),
)


def written(design, promise, directory):
    safe = by_views(design, promise).detail
    write_files(directory, certificate.contents(safe, design, [promise]))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    directory = tmp_path_factory.mktemp("views") / "good"
    written(*PROVED[0], directory)
    return directory


@pytest.mark.parametrize("proved", rest_nightly(PROVED, PROVED[:2].__contains__), ids="-".join)
def test_both_roads_confirm(proved, tmp_path):
    """Views of one, configurations that are counted, and a design without any open sort."""
    written(*proved, tmp_path / "c")
    found = certify(tmp_path / "c")
    assert ([], 0) == (found.wrong, found.exit_code)


class Token(Logged):
    """One client at a time is inside."""

    busy = Flag("somebody is inside")
    inside = Flag("this client is inside", per=Client)

    @operation
    def enter(s, me):
        wait_for(~s.busy)
        s.busy = True
        s.inside[me] = True

    @operation
    def leave(s, me):
        wait_for(s.inside[me])
        s.busy = False
        s.inside[me] = False


@always
def alone(s, client):
    """Who is inside is there alone."""
    return ~s.inside[client] | every(Client, lambda other: (other == client) | ~s.inside[other])


def look_at_token():
    asked = Problem.of(record(Token), alone)
    return Look(asked, Limits(), {}, one_page(asked.program, asked.invariants), 1, False, 0.0, inf)


@pytest.mark.parametrize("kind", ["two", "counts"])
def test_a_proof_that_needs_two_processes_is_confirmed_by_both_roads(kind):
    """Views of two, and configurations counted up to two; views of one are not enough."""
    look = look_at_token()
    assert "views of one process do not exclude a violation" == look.ones(Ones(look.system)).reason
    safe = (look.pairs() if kind == "two" else look.counts(2)).detail
    assert kind == safe.table.kind
    files = certificate.contents(safe, "token", ["alone"])
    protocol, views = (json.loads(files[n]) for n in (certificate.PROTOCOL, certificate.VIEWS))
    assert [] == list(wrong(protocol, views))
    listed = json.loads(files[certificate.MANIFEST])["files"]
    assert listed == {name: certify_views._z3(files[name], 10.0) for name in listed}
    fewer = {**views, "rows": [[s, beside[1:]] for s, beside in views["rows"]]}
    assert [] != list(wrong(protocol, fewer))


def test_a_violation_that_two_processes_are_needed_for_is_seen_by_the_plain_checker():
    """Two inside at once, put into the table."""
    safe = look_at_token().pairs().detail
    data = certificate.data_of(safe)
    views = data[certificate.VIEWS]
    inside = next(n for n, (_, values) in enumerate(views["locals"]) if values[0])
    row = next(beside for _, beside in views["rows"] if any(inside in pair for pair in beside))
    row.append([inside, inside])
    assert "alone is violated in a view" in list(wrong(data[certificate.PROTOCOL], views))


def edit(directory, name, change):
    """Apply `change` to a file's data; the new data where it returns some."""
    path = directory / name
    data = json.loads(path.read_text())
    path.write_text(json.dumps(change(data) or data))


def dropped_view(views):
    next(r for r in views["rows"] if r[1])[1].pop()


def dropped_row(views):
    views["rows"].pop()


def added_view(views):
    rows = {s: [m for (m,) in beside] for s, beside in views["rows"]}
    shared, missing = next((s, m) for s in rows for m in range(len(views["locals"])) if m not in rows[s])
    next(r for r in views["rows"] if r[0] == shared)[1].append([missing])


def changed_local(views):
    views["locals"][0][1][0] ^= 1


def changed_shared(views):
    views["shared"][0][0][0] ^= 1


def no_views(views):
    views["rows"] = []


def other_kind(views):
    views["kind"] = "counts"


def dropped_rule(protocol):
    protocol["rules"].pop()


def dropped_violations(protocol):
    protocol["violations"] = []


def weakened_property(protocol):
    protocol["violations"][0]["guards"] = [["false"]]


def stronger_guard(protocol):
    protocol["rules"][0]["guards"].append(["false"])


def deaf_bystanders(protocol):
    for rule in protocol["rules"]:
        rule["updates"] = [u for u in rule["updates"] if u[0][0] != "O"]


def lock_never_taken(protocol):
    for rule in protocol["rules"]:
        rule["updates"] = [u for u in rule["updates"] if u[1] != ["true"]]


def other_start(protocol):
    protocol["shared"][0][2] ^= 1


def other_sort(protocol):
    next(f for f in protocol["shared"] if f[3] == "truth")[3] = "pages"


def renamed_property(protocol):
    protocol["violations"][0]["label"] = "no_lost_write"


def deaf_rule(protocol):
    """One rule whose bystanders hear nothing."""
    rule = next(r for r in protocol["rules"] if any(u[0][0] == "O" for u in r["updates"]))
    rule["updates"] = [u for u in rule["updates"] if u[0][0] != "O"]


def dropped_clause(clauses):
    clauses["clauses"].pop()


def weakened_clause(clauses):
    first = clauses["clauses"][0]["literals"]
    first.append([first[0][0], [0, 1]])


def no_clauses(clauses):
    clauses["clauses"] = []


def dropped_condition(manifest):
    manifest["files"].popitem()


def other_answers(manifest):
    next(iter(manifest["files"].values()))[0] = "unsat"


def impossible_step(manifest):
    manifest["impossible"].append(next(n for n, answers in manifest["files"].items() if len(answers) > 2))


def other_digest(manifest):
    manifest["digest"] = "0" * 64


def other_environment(manifest):
    manifest["environment"] = "qemu"


def no_such_environment(manifest):
    manifest["environment"] = "qmeu"


def other_design(manifest):
    manifest["design"] = "naive"


def other_property(manifest):
    manifest["properties"] = ["no_lost_write"]


def fixed_size(manifest):
    manifest["sizes"] = {"Client": 1}


TAMPERED = {
    certificate.VIEWS: (
        dropped_view,
        dropped_row,
        added_view,
        changed_local,
        changed_shared,
        no_views,
        other_kind,
    ),
    certificate.PROTOCOL: (
        dropped_rule,
        dropped_violations,
        weakened_property,
        stronger_guard,
        deaf_bystanders,
        lock_never_taken,
        other_start,
        other_sort,
        renamed_property,
        deaf_rule,
    ),
    certificate.CLAUSES: (dropped_clause, weakened_clause, no_clauses),
    certificate.MANIFEST: (
        other_digest,
        other_environment,
        no_such_environment,
        other_design,
        other_property,
        fixed_size,
        dropped_condition,
        other_answers,
        impossible_step,
    ),
}
KINDS = [(name, change) for name, changes in TAMPERED.items() for change in changes]


@pytest.mark.parametrize(("name", "change"), KINDS, ids=lambda x: getattr(x, "__name__", ""))
def test_tampering_is_caught(good, tmp_path, name, change):
    """Whatever was changed, the certificate is not confirmed."""
    copy = tmp_path / "copy"
    shutil.copytree(good, copy)
    edit(copy, name, change)
    assert 1 == certify(copy).exit_code


def missing_file(directory, names):
    (directory / names[1]).unlink()


def truncated_file(directory, names):
    path = directory / names[1]
    path.write_text(path.read_text()[:-40])


def swapped_files(directory, names):
    one, other = (directory / n for n in names[1:3])
    text = one.read_text()
    one.write_text(other.read_text())
    other.write_text(text)


def dropped_start(directory, names):
    (directory / names[0]).unlink()
    edit(directory, certificate.MANIFEST, lambda m: m["files"].pop(names[0]) and None)


def dropped_premise(directory, names):
    path = directory / names[1]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(
        "".join(x for n, x in enumerate(lines) if n != next(i for i, y in enumerate(lines) if "assert" in y))
    )


def dropped_goal(directory, names):
    path = directory / names[1]
    path.write_text(path.read_text().rpartition("(push 1)")[0])


def trivial_goal(directory, names):
    path = directory / names[1]
    path.write_text(path.read_text().replace("(push 1)", "(push 1)\n(assert false)"))


def truncated_table(directory, names):
    path = directory / certificate.VIEWS
    path.write_text(path.read_text()[:-40])


def missing_table(directory, names):
    (directory / certificate.VIEWS).unlink()


FILES = (
    missing_file,
    truncated_file,
    swapped_files,
    dropped_start,
    dropped_premise,
    dropped_goal,
    trivial_goal,
    truncated_table,
    missing_table,
)


@pytest.mark.parametrize("change", FILES)
def test_tampering_with_a_file_is_caught(good, tmp_path, change):
    """Whatever was changed in what stands beside the table, the certificate is not confirmed."""
    copy = tmp_path / "copy"
    shutil.copytree(good, copy)
    change(copy, list(json.loads((good / certificate.MANIFEST).read_text())["files"]))
    assert 1 == certify(copy).exit_code


def test_the_conditions_alone_catch_clauses_that_are_not_closed(good):
    """Without the design and the table: z3 finds a goal that does not follow."""
    data = {n: json.loads((good / n).read_text()) for n in certify_views.DATA}
    manifest = json.loads((good / certificate.MANIFEST).read_text())
    kept = data[certificate.CLAUSES]["clauses"]
    situations = Situations.of_views(data[certificate.PROTOCOL], data[certificate.VIEWS])
    for number in range(0, len(kept), 5):
        fewer = of_json(kept[:number] + kept[number + 1 :])
        made = conditions(situations, fewer, manifest["impossible"])
        given = [certify_views._z3("\n".join(c.lines), 10.0) for c in made.values()]
        wanted = [["sat" if c.possible else "unsat", *["unsat"] * len(c.goals)] for c in made.values()]
        assert wanted != given, number


@pytest.mark.parametrize("change", [dropped_view, dropped_row, changed_local, changed_shared, no_views])
def test_the_plain_checker_alone_catches_a_table_that_is_not_closed(good, change):
    """Without the design: a rule leads out of the views, or a start is in none."""
    protocol, views = (json.loads((good / n).read_text()) for n in (certificate.PROTOCOL, certificate.VIEWS))
    assert [] == list(wrong(protocol, views))
    change(views)
    assert [] != list(wrong(protocol, views))
