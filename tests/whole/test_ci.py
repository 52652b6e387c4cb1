"""The jobs in docs/ci: their own lines, typed into bash in a repository made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from altered import altered
from folders import ROOT, TOY
from made_changes import time
from made_processes import MAIN, environment
from made_records import write_results

if not (shutil.which("git") and shutil.which("bash")):
    pytest.skip("needs git and bash", allow_module_level=True)

SUITE = """\
suite: toys
datasets: [{use: toy}]
measures: [nDCG@10]
encoders: {words: {use: words, width: 64}}
indexes: {plain: {use: plain}}
latency: false
"""

BROKEN = "{use: bad, wrong: raises}"

COMMENT = """\
#!/usr/bin/env bash
cp comment.md "$POSTED"
"""


class Job(NamedTuple):
    """What a job types: its script, and what it types whatever happened before."""

    script: list[str]
    always: list[str]
    variables: dict[str, str]


def github(_: str) -> Job:
    """Return the job of GitHub, which runs each step in a shell of its own."""
    known = {
        "github.token": "secret",
        "github.event.number": "7",
    }
    (job,) = read("github")["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    variables: dict[str, str] = {}
    for part in (job, *steps):
        variables |= filled(part.get("env", {}), known)
    always = [step["run"] for step in steps if step.get("if") == "always()"]
    return Job([step["run"] for step in steps if "if" not in step], always, variables)


def gitlab(base: str) -> Job:
    """Return the job of GitLab, which types all lines into one shell."""
    job = read("gitlab")["effbench"]
    variables = {**job["variables"], "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    return Job(["\n".join(job["script"])], job["after_script"], variables)


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "ci" / f"{name}.yml").read_text())
    return content


def filled(variables: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return variables with GitHub's expressions replaced; each of them must be known."""
    return {
        name: known[text[3:-2].strip()] if text.startswith("${{") else text
        for name, text in variables.items()
    }


class Ended(NamedTuple):
    failed: bool
    said: str
    comment: str


class Repository:
    """A repository with a suite, and programs that stand for those of the CI's machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._bin = folder / "repository", folder / "bin"
        self._posted = folder / "posted.md"
        self._bin.mkdir()
        run = f'#!/usr/bin/env bash\nexec {sys.executable} -c "{MAIN}" "$@"\n'
        programs = {
            "effbench": run,
            "pip": "#!/usr/bin/env bash\n",
            "gh": COMMENT,
            "curl": COMMENT,
        }
        for name, text in programs.items():
            self.replace(name, text)
        self.folder.mkdir()
        self._git("init", "--quiet")

    def replace(self, program: str, text: str) -> None:
        (self._bin / program).write_text(text)
        (self._bin / program).chmod(0o755)

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", "change")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        done = subprocess.run(
            ["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout

    def type_in(self, job: Job) -> Ended:
        """Run a job as its CI does: after a failure, only what is always typed."""
        where = environment(
            TOY,
            PATH=f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            POSTED=str(self._posted),
            GITHUB_STEP_SUMMARY=str(self.folder.parent / "summary.md"),
            **job.variables,
        )
        failed, said = False, ""
        for text, always in (
            *((t, False) for t in job.script),
            *((t, True) for t in job.always),
        ):
            if failed and not always:
                continue
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", text],
                cwd=self.folder, env=where, capture_output=True, text=True, check=False,
            )  # fmt: skip
            said += done.stdout + done.stderr
            failed = failed or done.returncode != 0
        comment = self._posted.read_text() if self._posted.exists() else ""
        return Ended(failed, said, comment)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


JOBS = pytest.mark.parametrize("job", [github, gitlab])


@JOBS
def test_a_change_that_harms_nothing_passes(repository: Repository, job) -> None:
    base = repository.commit(suite_yaml=SUITE)
    repository.commit(notes_md="a note")
    found = repository.type_in(job(base))
    assert not found.failed, found.said
    assert found.comment.startswith("### effbench: nothing is worse\n")
    assert found.comment.splitlines()[2] == "4 figures compared, 0 moved beyond noise."


@JOBS
def test_a_row_that_became_worse_fails_with_a_comment(repository: Repository, job) -> None:
    base = repository.commit(suite_yaml=SUITE)
    repository.commit(suite_yaml=altered(SUITE, "width: 64", "width: 2"))
    found = repository.type_in(job(base))
    assert found.failed
    assert found.comment.startswith("### effbench: 1 figure is worse\n"), found.said
    assert "| **worse** | toys | toy--words--plain | nDCG@10 | 0.9754 | 0." in found.comment
    assert "toys: words: made otherwise than in the old results" in found.comment


def test_a_cell_that_fails_is_worse(repository: Repository) -> None:
    base = repository.commit(suite_yaml=SUITE)
    repository.commit(suite_yaml=altered(SUITE, "{use: words, width: 64}", BROKEN))
    found = repository.type_in(github(base))
    assert found.failed
    assert "### effbench: 1 figure is worse" in found.comment, found.said
    assert "was done, now failed: " in found.comment


@JOBS
def test_a_row_that_became_slower_fails_with_a_comment(repository: Repository, job) -> None:
    base = repository.commit(suite_yaml=SUITE)
    for side in ("old", "new"):
        write_results(repository.folder / side, rows=["big", "small"], datasets=1)
    time(repository.folder / "new", small=7.0)
    whole = job(base)
    lines = "\n".join(whole.script).splitlines()
    (compare,) = (line for line in lines if line.startswith("effbench diff"))
    found = repository.type_in(whole._replace(script=[compare]))
    assert found.failed
    assert "| **worse** | made | small exact | encode p50 ms | 5 | 7 | " in found.comment


def test_an_installation_that_fails_posts_nothing(repository: Repository) -> None:
    base = repository.commit(suite_yaml=SUITE)
    job = github(base)
    found = repository.type_in(job._replace(script=["false", *job.script]))
    assert found.failed
    assert not found.comment


@JOBS
def test_a_job_can_run_again_in_the_same_checkout(repository: Repository, job) -> None:
    base = repository.commit(suite_yaml=SUITE)
    repository.commit(notes_md="a note")
    lines = [line for text in job(base).script for line in text.splitlines()]
    (add,) = (line for line in lines if line.startswith("git worktree"))
    for _ in range(2):  # runners of one's own keep .git, and clean the rest
        assert not repository.type_in(job(base)._replace(script=[add], always=[])).failed
        shutil.rmtree(repository.folder / "base")


def test_who_may_not_comment_does_not_fail_for_it(repository: Repository) -> None:
    base = repository.commit(suite_yaml=SUITE)
    repository.replace("gh", "#!/usr/bin/env bash\nexit 1\n")
    found = repository.type_in(github(base)._replace(script=["echo moved > comment.md"]))
    assert not found.failed
    assert "::warning::no comment" in found.said
