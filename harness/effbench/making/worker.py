"""The program of a worker: a fresh process that makes steps as the main process orders them.

Orders and answers go through two pipes (`channel`). What plugins print goes to standard error,
which the main process reads. The process ends when no more commands come.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from effbench.guard import interruption
from effbench.guard.containment import contained_process
from effbench.making.channel import MARK, Inside, end_with_parent
from effbench.making.maker import Maker
from effbench.making.messages import Order, Ready, Source
from effbench.text.printing import Plain

FIRST_TO_GO = 500
"""Linux ends the process of the highest score first when memory runs out: not the main one."""


def main() -> None:
    """Plan the suite that the first command names, then obey until no more commands come."""
    end_with_parent()
    channel = Inside(os.environ[MARK])
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    interruption.listen(quiet=True)
    try:
        with contained_process():
            _obey(channel)
    except KeyboardInterrupt as error:  # the main process ends us
        os._exit(interruption.settle(error))
    except BaseException as error:
        channel.fail(error)


def _obey(channel: Inside) -> None:
    maker: Maker | None = None
    while True:
        arguments = channel.command()
        reply: msgspec.Struct = Ready()
        match arguments.pop("do"):
            case "open":
                maker = _opened(channel, **arguments)
            case "make" if maker:
                reply = maker.make(msgspec.convert(arguments["order"], Order))
            case "close" if maker:
                maker.close()
        channel.answer(reply)


def _opened(channel: Inside, source: dict[str, Any], device: str | None) -> Maker:
    planned_from = msgspec.convert(source, Source)
    if planned_from.verbose:
        show_log()
    return Maker(planned_from, device, channel.tell)


def show_log() -> None:
    """Show what the plugins log on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Plain("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    main()
