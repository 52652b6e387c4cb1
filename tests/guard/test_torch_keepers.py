"""What plugins may change of torch."""

from __future__ import annotations

from altered import altered
from made_untidy import with_row


def test_the_torch_that_a_plugin_imports_first_is_put_back_too(run_alone) -> None:
    """The honest row is asked last, and says what it finds."""
    text = altered(with_row("mess: all"), "words: {use: words}", "v: {use: untidy, mess: says}")
    found = run_alone(text)
    assert found.returncode == 0, found.stderr
    said = [line for line in found.stderr.splitlines() if line.startswith("encoder 'v'")]
    assert said == ["encoder 'v' (plugin untidy): torch.float32 True cpu False"]
