"""The loader of a tokenizer and a transformer; each of its errors is one line."""

from __future__ import annotations

import contextlib
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from effbench import EffbenchError
from effbench_transformer import HALF_ON_CPU
from effbench_transformer.soundness import prepare_tokenizer, refuse_missing


def load(
    model: str,
    revision: str | None,
    dtype: str,
    device: str,
    trust_remote_code: bool,
    attention: str | None = None,
) -> tuple[Any, Any]:
    """Return the tokenizer and the transformer, which is on its device in inference mode.

    Raises:
        EffbenchError: the model is missing, or has a decoder; it has no safetensors weights,
            or some weights are missing; it has no tokenizer, or the tokenizer of another
            model; it needs ``trust_remote_code``; or the device does not suit it.

    """
    place = place_for(device, dtype)
    source = {"revision": revision or "main", "trust_remote_code": trust_remote_code}
    with loading(model, revision):
        config = AutoConfig.from_pretrained(model, **source)  # the first to fail when offline
        tokenizer = AutoTokenizer.from_pretrained(model, config=config, **source)
        network, report = AutoModel.from_pretrained(
            model,
            config=config,
            torch_dtype=getattr(torch, dtype),
            attn_implementation=attention,
            use_safetensors=True,
            output_loading_info=True,
            **source,
        )
    # Such files may have only an encoder, as with T5; Sentence Transformers can read them.
    if network.config.is_encoder_decoder or (
        hasattr(network, "encoder") and hasattr(network, "decoder")
    ):
        raise EffbenchError(
            f"model {model!r}: it has a decoder (use sentence-transformers for it)"
        )
    refuse_missing(model, report["missing_keys"])
    prepare_tokenizer(model, tokenizer, network)
    return tokenizer, network.to(place).eval()


def place_for(device: str, dtype: str) -> torch.device:
    """Return the device that the option ``device`` means; it may be auto.

    Raises:
        EffbenchError: this machine does not have it, or it is too slow with ``dtype``.

    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        reason = textwrap.shorten(str(error), 100, placeholder=" ...")
        raise EffbenchError(f"device: {device!r}: {reason} (say auto)") from error
    if dtype == "float16" and place.type == "cpu":
        raise EffbenchError(HALF_ON_CPU)
    return place


@contextlib.contextmanager
def loading(model: str, revision: str | None) -> Iterator[None]:
    """Keep transformers quiet in the block, and turn its errors into one line.

    Raises:
        EffbenchError: any exception was raised in the block.

    """
    with quiet():
        try:
            yield
        except EffbenchError:
            raise
        except Exception as error:  # such as tokenizers, which raises just Exception
            # the text of a KeyError is only the key
            name = "KeyError: " if isinstance(error, KeyError) else ""
            raise EffbenchError(_explain(model, revision, f"{name}{error}")) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from showing progress bars and warnings in the block."""
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _explain(model: str, revision: str | None, message: str) -> str:
    first_line = message.strip().partition("\n")[0]
    whole = message if first_line.endswith(":") else first_line  # torch lists what is wrong
    reason = textwrap.shorten(whole, 160, placeholder=" ...")
    if "trust_remote_code" in message:
        reason = "it brings code of its own"
        mend = "read that code, and set trust_remote_code: true if you trust it"
    elif "model.safetensors" in message or "weights_only" in message:
        reason = "it has no safetensors weights, and pickled ones are not loaded"
        mend = "convert it with save_pretrained, or take a revision that has them"
    elif "FlashAttention" in message:
        reason = "flash_attention_2 is not installed, or not for this machine"
        mend = "install flash-attn, or leave out attention"
    elif "backend tokenizer" in message or "vocab" in message:
        reason = "no tokenizer can be made of its files"
        mend = "save its tokenizer beside the model"
    elif Path(model).is_dir():
        mend = "a whole model with its tokenizer is wanted there"
    else:
        at = ["--revision", revision] if revision else []
        download = shlex.join(["hf", "download", model, *at])
        mend = f"run `{download}` where there is internet, or name a folder"
    return f"model {model!r}: {reason} ({mend})"
