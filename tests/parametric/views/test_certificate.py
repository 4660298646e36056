"""Certificates of views: confirmed by both roads, and fifteen ways to tamper with one."""

import json
import shutil

import pytest

from model.commands.certify import certify
from model.designs.catalogue import find_property, load
from model.instance.problem import Problem
from model.parametric.inference.certificate import write_files
from model.parametric.views import certificate
from model.parametric.views.checker import wrong
from model.parametric.views.decide import prove
from model.program.design import record

PROVED = (
    ("per-slot-cache", "promise_kept"),
    ("store-then-mark", "complete_copy"),
    ("swap-before-protect", "complete_copy"),
)


def written(design, promise, directory):
    loaded = load(design)
    asked = Problem.of(record(loaded), find_property(promise, loaded))
    safe = prove(asked).detail
    write_files(directory, certificate.contents(safe, asked.program.digest, design, [promise]))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    directory = tmp_path_factory.mktemp("views") / "good"
    written(*PROVED[0], directory)
    return directory


@pytest.mark.parametrize("proved", PROVED, ids="-".join)
def test_both_roads_confirm(proved, tmp_path):
    """Views of one, configurations that are counted, and a design without any open sort."""
    written(*proved, tmp_path / "c")
    found = certify(tmp_path / "c")
    assert ([], 0) == (found.wrong, found.exit_code)


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


def other_digest(manifest):
    manifest["digest"] = "0" * 64


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
    ),
    certificate.MANIFEST: (other_digest, other_design, other_property, fixed_size),
}
KINDS = [(name, change) for name, changes in TAMPERED.items() for change in changes]


@pytest.mark.parametrize(("name", "change"), KINDS, ids=lambda x: getattr(x, "__name__", ""))
def test_tampering_is_caught(good, tmp_path, name, change):
    """Whatever was changed, the certificate is not confirmed."""
    copy = tmp_path / "copy"
    shutil.copytree(good, copy)
    edit(copy, name, change)
    assert 1 == certify(copy).exit_code


@pytest.mark.parametrize("change", [dropped_view, dropped_row, changed_local, changed_shared, no_views])
def test_the_plain_checker_alone_catches_a_table_that_is_not_closed(good, change):
    """Without the design: a rule leads out of the views, or a start is in none."""
    protocol, views = (json.loads((good / n).read_text()) for n in (certificate.PROTOCOL, certificate.VIEWS))
    assert [] == list(wrong(protocol, views))
    change(views)
    assert [] != list(wrong(protocol, views))
