"""The mistakes of a plugin's author: a line that names plugin, attribute and mend."""

from __future__ import annotations

import pytest

from made_plugins import answering, offering

ENCODER = "class Mine(Enc):\n    "
METHODS = {
    "datasets": ("qrels", "Dataset"),
    "models": ("train", "Trainer"),
    "encoders": ("encode_queries", "QueryEncoder"),
    "retrievers": ("search", "Retriever"),
    "indexes": ("build", "Index"),
}
HOOKS = {"models": "trainers"}


def lacking(section: str, method: str) -> str:
    """A class without a method of its contract."""
    methods = {
        "datasets": ["docs_count", "docs", "queries", "qrels"],
        "models": ["train"],
        "encoders": ["encode_queries"],
        "retrievers": ["index", "search"],
        "indexes": ["build", "search"],
    }[section]
    lines = [f"    def {name}(self, *a): pass\n" for name in methods if name != method]
    source = f"class Mine:\n    version = 2\n{''.join(lines)}"
    return source + offering(HOOKS.get(section, section), "Mine")


BROKEN = {
    "a class without a method: " + section: (
        lacking(section, method),
        f"offers {section} 'mine': the class has no method {method!r} (docs/plugins.md says "
        f"what an effbench.{protocol} has)",
    )
    for section, (method, protocol) in METHODS.items()
} | {
    "a misspelt method": (
        "class Mine:\n    def encode_querys(self, queries): pass\n"
        + offering("encoders", "Mine"),
        "offers encoders 'mine': the class has no method 'encode_queries' (rename "
        "'encode_querys'?)",
    ),
    "a contract as the base, and nothing more": (
        "class Mine(effbench.Trainer):\n    version = 2\n" + offering("trainers", "Mine"),
        "offers models 'mine': the class has no method 'train' (docs/plugins.md says what an",
    ),
    "an option that has the name of a row's key": (
        ENCODER
        + "def __init__(self, passages: str = ''): pass\n"
        + offering("encoders", "Mine"),
        "offers encoders 'mine': its option 'passages' cannot be given: passages means "
        "something else in a row of encoders (rename it)",
    ),
    "an option that has the name of a model's key": (
        "class Mine:\n    def __init__(self, *, seed: int): pass\n"
        "    def train(self, output_dir, *, seed): pass\n" + offering("trainers", "Mine"),
        "offers models 'mine': its option 'seed' cannot be given: seed means something else",
    ),
    "a partial that binds no option": (
        offering("encoders", "partial(partial(Enc, widht=3), width=2)"),
        "offers encoders 'mine': its partial binds 'widht', no option (did you mean 'width'?)",
    ),
    "a partial that binds a wrong value": (
        offering("encoders", "partial(partial(Enc, width='3'))"),
        "offers encoders 'mine': its option 'width': its default: '3' is not int (take the "
        "quotes away)",
    ),
    "an annotation that no suite can give": (
        ENCODER + "def __init__(self, a: Plain = None): pass\n" + offering("encoders", "Mine"),
        "offers encoders 'mine': its option 'a': no suite can give the type Plain (take str,",
    ),
    "a version that is a text": (
        ENCODER + "version = '2.0'\n" + offering("encoders", "Mine"),
        "offers encoders 'mine': its version is '2.0' (give a whole number from 0 on)",
    ),
    "a default that is a frozenset": (
        ENCODER + "def __init__(self, a=frozenset()): pass\n" + offering("encoders", "Mine"),
        "offers encoders 'mine': its option 'a' has the default frozenset(), which no suite "
        "could say (take None, and",
    ),
    "an option without a name": (
        ENCODER + "def __init__(self, a, /): pass\n" + offering("encoders", "Mine"),
        "offers encoders 'mine': its option 'a' cannot be given by name (leave out the /",
    ),
    "a dataset that names a row": (
        "class Mine(Plain):\n    def __init__(self, *, a: list[effbench.Searcher]): pass\n"
        + offering("datasets", "Mine"),
        "offers datasets 'mine': its option 'a' names a row, but datasets are made before rows",
    ),
    "a missing mark": (
        answering("{}", "datasets") + "def effbench_encoders(): return {}\n",
        "effbench_encoders is no hook yet (put @effbench.hookimpl above it)",
    ),
    "a misspelt hook": (
        answering("{}", "encoder"),
        "unknown hook 'effbench_encoder' (did you mean 'effbench_encoders'?)",
    ),
    "a misspelt hook without its mark": (
        answering("{}", "datasets") + "def effbench_encoder(): return {}\n",
        "effbench_encoder is no hook (did you mean 'effbench_encoders'?)",
    ),
    "a circular import": (
        "from mine import later\n" + offering("encoders", "Enc"),
        "ImportError: cannot import name 'later' from partially initialized module 'mine' "
        "(most likely due to a circular import)",
    ),
    "an import that ends the program": (
        "sys.exit(0)\n" + offering("encoders", "Enc"),
        "SystemExit: 0 (a plugin must not end the program: it raises an error)",
    ),
    "a contract of the future": (
        "EFFBENCH_CONTRACT = 2\n" + offering("everything", "Enc"),
        "EFFBENCH_CONTRACT is 2, and this effbench serves contract 1 (install a newer effb",
    ),
    "a contract of the past": (
        "EFFBENCH_CONTRACT = 0\n" + offering("encoders", "Enc"),
        "EFFBENCH_CONTRACT is 0, and this effbench serves contract 1 (install a newer mine",
    ),
    "a contract that is a text": (
        "EFFBENCH_CONTRACT = '1'\n" + offering("encoders", "Enc"),
        "EFFBENCH_CONTRACT is '1' (give a whole number, such as 1)",
    ),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_mistake_at_loading_is_a_line_of_effbench_plugins(
    mine, effbench, planned, mistake: str
) -> None:
    source, said = BROKEN[mistake]
    mine(source)
    found = effbench("plugins")
    assert found.exit_code == 1
    assert "Traceback" not in found.output
    assert f"mine (mine 1.0)\n  BROKEN: {said}" in found.stdout
    assert found.stdout.count("BROKEN") == 1
    assert planned().exit_code == 0, "the other plugins work"


REMARKS = {
    f"{section}: {wrong}": (section, wrong, right)
    for section, wrong, right in (
        ("encoders", "require", "requires"),
        ("encoders", "latancy", "latency"),
        ("encoders", "encode_corpora", "encode_corpus"),
        ("retrievers", "versions", "version"),
        ("retrievers", "chekc", "check"),
        ("indexes", "loads", "load"),
        ("models", "togther", "together"),
        ("datasets", "notes", "note"),
    )
}


@pytest.mark.parametrize("case", REMARKS)
def test_an_attribute_that_looks_like_ours_is_a_remark(mine, effbench, case: str) -> None:
    section, wrong, right = REMARKS[case]
    source = lacking(section, "").replace("version = 2", f"{wrong} = None")
    mine(source)
    found = effbench("plugins")
    assert found.exit_code == 0, found.stdout
    assert (
        f"  remark: {section} 'mine': its attribute {wrong!r} has no meaning (did you mean "
        f"{right!r}?)\n" in found.stdout
    )


def test_what_has_a_meaning_is_no_remark(mine, effbench) -> None:
    source = (
        "import dataclasses\n@dataclasses.dataclass\nclass Mine(Enc):\n"
        "    revision: str = ''\n    requires_all: int = 1\n    versions: int = 1\n"
        "    version = 3\n    _latancy = 1\n    def finish(self): self.latancy = 1\n"
    )
    mine(source.replace("requires_all", "require") + offering("encoders", "Mine"))
    listed = effbench("plugins")
    assert listed.exit_code == 0
    assert "remark" not in listed.stdout


@pytest.mark.parametrize(
    "made",
    [
        "class Mine:\n    def __init__(self): self.encode_queries = len\n",
        "class Mine:\n    def __getattr__(self, name): return len\n",
        "class Mine:\n    def __new__(cls): return Enc()\n",
        "class Mine:\n    encode_queries: Callable\n",
        "def Mine(): return Enc()\n",
    ],
)
def test_a_method_that_an_instance_gets_later_is_no_mistake(mine, effbench, made: str) -> None:
    mine(made + offering("encoders", "Mine"))
    assert effbench("plugins").exit_code == 0


def test_an_import_that_takes_long_is_a_remark_with_what_it_imports(
    mine, effbench, tmp_path, monkeypatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "heavy_as_lead.py").write_text("def pull(): pass\n")
    monkeypatch.setattr("effbench.offers.importing.SLOW_SECONDS", -1)
    mine("from heavy_as_lead import pull\n" + offering("encoders", "Enc"))
    listed = effbench("plugins")
    assert listed.exit_code == 0
    said = listed.stdout.partition("mine (mine 1.0)\n  remark: its import takes ")[2]
    assert said.splitlines()[0].endswith(
        " s, and every command that reads a suite waits for it (import heavy_as_lead inside "
        "functions)"
    )
    monkeypatch.setattr("effbench.offers.importing.SLOW_SECONDS", 1e9)
    assert "remark" not in effbench("plugins").stdout


def test_an_offer_of_effbench_goes_before_a_third_party_s(effbench, installed) -> None:
    installed(
        "aaa", "import effbench\n" + offering("indexes", "print").replace("mine", "exact")
    )
    listed = effbench("plugins").stdout
    assert "BROKEN: offers indexes 'exact', which plugin 'exact' offers already" in listed
    assert "  indexes: exact - Find the docs with the largest inner products" in listed


PLANNED = {
    "a dataset without an attribute": (
        "class Mine(Plain):\n    def __init__(self): pass\ndel Plain.key\n"
        + offering("datasets", "Mine"),
        ("{use: toy}", "{use: mine}"),
        "plugin mine): its key is missing (give a string)",
    ),
    "a dataset with a wrong attribute": (
        "class Mine(Plain):\n    key = 3\n" + offering("datasets", "Mine"),
        ("{use: toy}", "{use: mine}"),
        "plugin mine): its key is 3 (give a string)",
    ),
    "a check that raises": (
        ENCODER
        + "@staticmethod\n    def check(width): {}[width]\n"
        + offering("encoders", "Mine"),
        ("{use: words}", "{use: mine}"),
        "encoder 'words' (plugin mine): its check: KeyError: 8 (a check raises "
        "effbench.EffbenchError for a mistake)",
    ),
    "a passages_only that raises": (
        ENCODER
        + "@staticmethod\n    def passages_only(width): {}[width]\n"
        + offering("encoders", "Mine"),
        ("{use: words}", "{use: mine}"),
        "encoder 'words' (plugin mine): its passages_only: KeyError: 8",
    ),
}


@pytest.mark.parametrize("mistake", PLANNED)
def test_a_mistake_in_a_plan_is_a_line_of_the_plan(mine, effbench, planned, mistake) -> None:
    source, row, said = PLANNED[mistake]
    mine(source)
    assert effbench("plugins").exit_code == 0
    found = planned(*row)
    assert found.exit_code == 2
    assert "Traceback" not in found.output
    (line,) = [line for line in found.stderr.splitlines() if "plugin mine" in line]
    assert said in line


WRONG = {
    "dataset": (
        "class Mine(Plain):\n    def docs(self): yield 'd0', 'oak'\n"
        + offering("datasets", "Mine"),
        "datasets: [{use: mine}, {use: toy}]\nretrievers: {r: {use: scan}}",
        "dataset 'mine' (plugin mine): ",
    ),
    "encoder": (
        ENCODER
        + "def encode_queries(self, queries): return queries\n"
        + "    def encode_corpus(self, docs): return [[1.0] for doc in docs]\n"
        + offering("encoders", "Mine"),
        "datasets: [{use: toy}]\nencoders: {m: {use: mine}, w: {use: words}}\n"
        "indexes: {p: {use: plain}}",
        "encoder 'm' (plugin mine): encode_queries returned ",
    ),
    "index": (
        "class Mine(PlainIndex):\n    def search(self, queries, k): return queries[:, 0]\n"
        + offering("indexes", "Mine"),
        "datasets: [{use: toy}]\nencoders: {w: {use: words}}\n"
        "indexes: {m: {use: mine}, p: {use: plain}}",
        "index 'm' (plugin mine): search",
    ),
    "retriever": (
        "class Mine:\n    nbytes = 0\n    def index(self, docs): list(docs)\n"
        "    def search(self, queries, k): return [7 for query in queries]\n"
        + offering("retrievers", "Mine"),
        "datasets: [{use: toy}]\nretrievers: {m: {use: mine}, r: {use: scan}}",
        "retriever 'm' (plugin mine): ",
    ),
    "trainer": (
        "class Mine:\n    def __init__(self, *, targets: effbench.EncodedTexts): pass\n"
        "    def train(self, output_dir, *, seed): return 'a model'\n"
        + offering("trainers", "Mine"),
        "datasets: [{use: toy}]\nmodels:\n  t: {use: mine, targets: "
        "{texts: [{queries: {use: toy}}], encoder: w}}\n"
        "encoders: {w: {use: words}, m: {use: table, model: t, passages: w}}\n"
        "indexes: {p: {use: plain}}",
        "model 't' (plugin mine): ",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_answer_of_a_wrong_type_fails_its_cell_alone(mine, run, records, kind: str) -> None:
    source, rows, said = WRONG[kind]
    mine(source)
    found = run(f"suite: s\n{rows}\nmeasures: [nDCG@10]\nlatency: false")
    assert found.exit_code == 1
    assert "Traceback" not in found.output
    (line,) = [line for line in found.stderr.splitlines() if "plugin mine" in line]
    assert line.startswith("FAILED ")
    assert said in line
    states = sorted(record["status"] for record in records().values())
    assert states == ["done", "failed"]
