"""What may make a row."""

from __future__ import annotations

import pytest

from made_plugins import offering

FACTORIES = [
    ("", "partial(Enc, width=3)", "width: int = 3"),
    ("", "partial(partial(Enc), width=3)", "width: int = 3"),
    ("class Made:\n    def __call__(self, *, width: int = 4): pass\n", "Made()", "= 4"),
    (
        "class Made(NamedTuple):\n    width: int = 5\n    def encode_queries(self, q): pass\n"
        "    encode_corpus = encode_queries\n",
        "Made",
        "width: int = 5",
    ),
    (
        "import dataclasses\n@dataclasses.dataclass\nclass Made(Enc):\n    width: int = 6\n",
        "Made",
        "width: int = 6",
    ),
    (
        "class Made(Enc):\n    @classmethod\n    def small(cls, width: 'int' = 7): pass\n",
        "Made.small",
        "width: int = 7",
    ),
    ("def made(*rest, width: int = 8, **more): pass\n", "made", "width: int = 8"),
    ("class Made:\n    def __new__(cls, width: int = 9): pass\n", "Made", "width: int = 9"),
    ("made = lambda width=10: None\n", "made", "width: any = 10"),
]


@pytest.mark.parametrize(("source", "factory", "option"), FACTORIES)
def test_whatever_can_be_called_may_make_a_row(
    mine, effbench, planned, source: str, factory: str, option: str
) -> None:
    mine(source + offering("encoders", factory))
    listed = effbench("plugins")
    assert listed.exit_code == 0, listed.stdout
    assert option in listed.stdout.partition("encoders: mine")[2]
    assert planned("{use: words}", "{use: mine, width: 3}").exit_code == 0
    wrong = planned("{use: words}", "{use: mine, widht: 3}")
    assert "encoders.words.widht: unknown option 'widht' (did you mean 'wid" in wrong.stderr
    if "any" not in option:
        wrong = planned("{use: words}", "{use: mine, width: x}")
        assert "encoders.words.width: 'x' is not int" in wrong.stderr


def test_a_partial_has_version_and_check_of_what_it_is_made_of(mine, planned) -> None:
    source = "class Mine(Enc):\n    @staticmethod\n    def check(width): raise OSError(width)\n"
    mine(source + offering("encoders", "partial(Mine, width=3)"))
    found = planned("{use: words}", "{use: mine}")
    assert (
        "encoder 'words' (plugin mine): its check: OSError: 3 (a check raises eff"
        in found.stderr
    )


ROWS = (
    "effbench.Encoder | None",
    "list[effbench.Searcher] | None",
    "effbench.TrainedModel | None",
)


@pytest.mark.parametrize("kind", ROWS)
def test_a_dataset_with_an_option_for_a_row_is_refused(mine, effbench, kind: str) -> None:
    source = f"class Mine(Plain):\n    def __init__(self, *, row: {kind} = None): pass\n"
    mine(source + offering("datasets", "Mine"))
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert "offers datasets 'mine': its option 'row' names a row" in listed.stdout


def test_a_dataset_takes_no_model_that_a_row_trains(mine, planned) -> None:
    source = (
        "class Mine(Plain):\n    def __init__(self, *, m: effbench.ModelId = 'a/b'): pass\n"
    )
    source += "class Trainer:\n    def train(self, output_dir, *, seed): pass\n"
    mine(source + offering("datasets", "Mine") + offering("trainers", "Trainer"))
    assert planned("{use: toy}", "{use: mine, m: c/d}").exit_code == 0
    found = planned("{use: toy}]", "{use: mine, m: {trained: t}}]\nmodels: {t: {use: mine}}")
    assert found.exit_code == 2
    assert "datasets.0.m: a dataset is read before any model is trained" in found.stderr


@pytest.mark.parametrize("kind", [*ROWS, "effbench.ModelId | None", "os.PathLike | None"])
def test_an_option_of_a_search_for_a_row_or_a_file_is_refused(mine, effbench, kind) -> None:
    search = f"def search(self, queries, k, *, row: {kind} = None): pass"
    mine(f"class Mine(PlainIndex):\n    {search}\n" + offering("indexes", "Mine"))
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert "offers indexes 'mine': its search" in listed.stdout
