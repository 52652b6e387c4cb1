"""Workers that say what a test lets them say."""

from __future__ import annotations

FAKE = """\
import os
from effbench.making.channel import MARK, Inside
channel = Inside(os.environ[MARK])
channel.command()
token = channel._token
def line(text):
    channel._write(text.replace("TOKEN", token).encode("utf-8", "surrogateescape"))
"""


def answer(reply: str, rest: str = "") -> str:
    return f"""line('{{"to":"TOKEN","reply":{reply}}}\\n'){rest}"""
