"""Each failure stands under the name of who made it; others and later runs do not suffer."""

from __future__ import annotations

import pytest

from altered import altered
from made_suites import TWO_ROWS


@pytest.fixture
def fails_alone(ran, monkeypatch):
    """Run a suite in which some cells fail; then mend the plugin and run again.

    Returns the first ran, and the errors that records hold; all other cells are done.
    """

    def start(text: str):
        found, records = ran(text)
        assert found.exit_code == 1, found.output
        assert "Traceback" not in found.output
        errors = {n: r["error"] for n, r in records.items() if r["status"] == "failed"}
        honest = [name for name in records if name not in errors]
        assert {"toy--words--plain", "toy--scan"} & set(honest)
        assert errors
        monkeypatch.setenv("TOY_MENDED", "1")
        again, mended = ran(text)
        assert again.exit_code == 0, again.output
        assert {name: mended[name]["per_query"] for name in honest} == {
            name: records[name]["per_query"] for name in honest
        }
        return found, errors

    return start


def dataset(bad: str) -> str:
    return altered(TWO_ROWS, "[{use: toy}", f'[{{use: culprit, bad: "{bad}"}}, {{use: toy}}')


def encoder(**options: str) -> str:
    return altered(TWO_ROWS, "encoders: {", f"encoders: {{{row(options)}, ")


def index(**options: str) -> str:
    return altered(TWO_ROWS, "indexes: {", f"indexes: {{{row(options)}, ")


def retriever(**options: str) -> str:
    return altered(TWO_ROWS, "retrievers: {", f"retrievers: {{{row(options)}, ")


def row(options: dict[str, str]) -> str:
    spelled = "".join(f', {name}: "{value}"' for name, value in options.items())
    return f"c: {{use: culprit{spelled}}}"


WHO = {
    "dataset": "dataset 'culprit' (plugin culprits)",
    **{kind: f"{kind} 'c' (plugin culprits)" for kind in ("encoder", "index", "retriever")},
    "model": "model 'c' (plugin culprits)",
}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (
            "blank id",
            f"{WHO['dataset']}: a doc's id is 'd 3' (take a string without white space)",
        ),
        (
            "line in id",
            f"{WHO['dataset']}: a doc's id is 'd\\n3' (take a string without white space)",
        ),
        ("empty id", f"{WHO['dataset']}: a doc's id is '' (take a string without white space)"),
        (
            "no id",
            f"{WHO['dataset']}: a doc's id is missing (take a string without white space)",
        ),
        ("number", f'{WHO["dataset"]}: a doc\'s id is 3 (make it a string: "3")'),
        ("no text", f"{WHO['dataset']}: doc 'd3': its text is missing or null (give a string)"),
        (
            "tuple",
            f"{WHO['dataset']}: AttributeError: 'tuple' object has no attribute 'doc_id'",
        ),
        ("nothing", f"{WHO['dataset']}: AttributeError: 'NoneType' object has no attribute"),
        (
            "query",
            f"{WHO['dataset']}: a query's id is 'q 2' (take a string without white space)",
        ),
        (
            "question",
            f"{WHO['dataset']}: query 'q2': its text is missing or null (give a string)",
        ),
        ("no query", f"{WHO['dataset']}: AttributeError: 'NoneType' object has no attribute"),
        ("True", f"{WHO['dataset']}: relevance True is no integer (take 0, 1, 2, ...)"),
        ("None", f"{WHO['dataset']}: relevance None is no integer (take 0, 1, 2, ...)"),
        ("half", f"{WHO['dataset']}: relevance 0.5 is no integer (take 0, 1, 2, ...)"),
        ("no qrel", f"{WHO['dataset']}: TypeError: cannot unpack non-iterable int object"),
    ],
)
def test_bad_data_fail_the_cells_of_their_dataset(fails_alone, bad: str, said: str) -> None:
    _, errors = fails_alone(dataset(bad))
    assert set(errors) == {"culprit--words--plain", "culprit--scan"}
    for error in errors.values():
        assert error.startswith(said)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit", "SystemExit: 0 (a plugin must not end the program: it raises an error)"),
        ("generator", "GeneratorExit"),
        ("cancelled", "CancelledError"),
        ("memory", "MemoryError"),
        ("recursion", "RecursionError: maximum recursion depth exceeded"),
        ("evil", "EvilError: (its message cannot be shown)"),
        ("half", "ValueError: half \\ud83d"),
        ("long", "ValueError: xxx"),
        ("base", "BaseException: base"),
        ("missing", "FileNotFoundError: [Errno 2] No such file: 'mine'"),
    ],
)
def test_whatever_an_index_raises_is_its_own(fails_alone, how: str, said: str) -> None:
    found, errors = fails_alone(index(at="build", how=how))
    (error,) = errors.values()
    assert error.startswith(f"{WHO['index']}: {said}")
    assert len(error) < 500
    assert f"FAILED toy--words--c: {error}" in found.stderr


def test_words_of_a_plugin_that_no_file_can_hold_are_spelled(fails_alone) -> None:
    _, errors = fails_alone(index(at="build", how="own words"))
    assert list(errors.values()) == [f"{WHO['index']}: half \\ud83d of it"]


@pytest.mark.parametrize("how", ["full", "quota", "broken disk", "wrapped"])
@pytest.mark.parametrize("at", ["build", "save", "load"])
def test_a_full_disk_is_nobodys_fault(fails_alone, how: str, at: str) -> None:
    _, errors = fails_alone(index(at=at, how=how))
    (error,) = errors.values()
    assert "(free some space, or name another " in error
    assert "plugin" not in error


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("attribute", "SystemExit: 0"),
        ("encode_queries", "SystemExit: 0"),
    ],
)
def test_an_encoder_is_named_wherever_it_fails(fails_alone, at: str, said: str) -> None:
    _, errors = fails_alone(encoder(at=at))
    assert all(error.startswith(f"{WHO['encoder']}: {said}") for error in errors.values())


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("nbytes", "SystemExit: 0"),
        ("save", "SystemExit: 0"),
        ("load", "SystemExit: 0"),
        ("rubbish", "ValueError: rubbish is kept"),
        (
            "link",
            "it left 'vectors', a link to '/etc/hostname' (copy it: what is kept must not",
        ),
        ("removes", "it removed the folder that it was to fill"),
        ("row", "TypeError: vectors are read by slices without a step, not by 3"),
        (
            "step",
            "TypeError: vectors are read by slices without a step, not by slice(None, None",
        ),
        ("no search", "it has no method 'search' (write it)"),
    ],
)
def test_an_index_is_named_wherever_it_fails(fails_alone, at: str, said: str) -> None:
    _, errors = fails_alone(index(at=at))
    assert [error.startswith(f"{WHO['index']}: {said}") for error in errors.values()] == [True]


@pytest.mark.parametrize(
    ("at", "said"), [("nbytes", "SystemExit: 0"), ("evil hits", "RuntimeError: no number")]
)
def test_a_retriever_is_named_wherever_it_fails(fails_alone, at: str, said: str) -> None:
    _, errors = fails_alone(retriever(at=at))
    assert [error.startswith(f"{WHO['retriever']}: {said}") for error in errors.values()] == [
        True
    ]


def test_an_error_of_the_docs_is_not_the_retrievers_that_hides_it(ran) -> None:
    found, records = ran(
        altered(retriever(at="hides"), "use: toy}", "use: culprit, bad: nothing}")
    )
    assert found.exit_code == 1
    assert records["culprit--c"]["error"].startswith(f"{WHO['dataset']}: AttributeError")


def test_an_error_of_our_vectors_is_not_the_indexs(ran, monkeypatch) -> None:
    def broken(*_):
        raise OSError(116, "Stale file handle", "00000.npy")

    monkeypatch.setattr("effbench.steps.shards.DiskVectors._read", broken)
    found, records = ran(TWO_ROWS)
    assert found.exit_code == 1
    error = records["toy--words--plain"]["error"]
    assert error == "vectors of the store: OSError: [Errno 116] Stale file handle: '00000.npy'"
    assert records["toy--scan"]["status"] == "done"


@pytest.mark.parametrize(
    ("leaves", "said"),
    [
        ("infinity", "about.json: 1e999 is too large for a number"),
        ("nan", "about.json: NaN is no number in JSON"),
        ("no json", "about.json: Expecting property name"),
        ("list", "about.json is no JSON object"),
        ("half", "about.json: 'utf-8' codec can't encode character '\\ud83d'"),
        ("deep", "about.json: maximum recursion depth"),
        ("huge", "about.json: it is no plain file of at most 1,000,000 bytes"),
        ("folder", "about.json: it is no plain file of at most 1,000,000 bytes"),
        ("link out", "it left 'weights', a link to '/etc/hostname' (copy it"),
        ("removed", "it removed the folder that it was to fill"),
        ("nothing", "train left no file in its folder"),
        ("raised", "ValueError: raised"),
    ],
)
def test_a_trainer_that_leaves_what_cannot_be_kept_fails_alone(
    fails_alone, leaves: str, said: str
) -> None:
    models = f'models: {{c: {{use: culprit, leaves: "{leaves}"}}}}\n'
    student = "t: {use: table-or-not, model: c, passages: words}"
    text = altered(TWO_ROWS, "encoders: {", f"{models}encoders: {{{student}, ")
    _, errors = fails_alone(text)
    assert [error.startswith(f"{WHO['model']}: {said}") for error in errors.values()] == [True]


def test_vectors_of_an_encoder_that_failed_are_not_taken_for_those_of_the_mended_one(
    ran, monkeypatch
) -> None:
    monkeypatch.setattr("effbench.steps.writing.SHARD", 20)
    text = encoder(at="second shard")
    assert ran(text)[0].exit_code == 1
    monkeypatch.setenv("TOY_MENDED", "1")
    monkeypatch.setattr("effbench.work.code.digest", lambda module: "mended")
    found, records = ran(text)
    assert found.exit_code == 0, found.output
    whole = records["toy--words--plain"]["per_query"]
    assert records["toy--c--plain"]["per_query"] == whole


def test_the_reason_of_a_step_that_fails_is_said_once(ran) -> None:
    found, records = ran(
        altered(encoder(at="encode_queries"), "{plain:", "{p: {use: plain}, plain:")
    )
    lines = [line for line in found.stderr.splitlines() if line.startswith("FAILED")]
    said = f"{WHO['encoder']}: SystemExit: 0 (a plugin must not end the program"
    assert lines[0].startswith(f"FAILED toy--c--p: {said}")
    assert lines[1:] == ["FAILED toy--c--plain: encode c queries of toy: failed, as said above"]
    assert all(records[f"toy--c--{name}"]["error"].startswith(said) for name in ("p", "plain"))
