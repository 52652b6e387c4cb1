"""The encoder ``sentence-transformers``: runs any model as Sentence Transformers runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from msgspec import Meta

from effbench import (
    Description,
    Doc,
    EffbenchError,
    ModelId,
    QueryOnly,
    SpeedOnly,
    hookimpl,
    tell_encoded,
)

if TYPE_CHECKING:
    from effbench import Vectors

Count: TypeAlias = Annotated[int, Meta(ge=1)]

SEEN_BATCHES = 8
"""Batches after which progress moves; the library sorts the texts of so many by length."""

PAIR = ("a", "some more words, so that the other text is padded in a batch with this one")


class SentenceTransformersEncoder:
    """Encode with ``encode_query`` and ``encode_document`` of a `SentenceTransformer`.

    The prompts are stored in the model. An option can replace a prompt by a text, or by the
    name of another stored prompt. If the model has a Router, queries and docs take its routes
    for queries and documents.

    ``normalize`` divides vectors by their L2 norm. Its default depends on the model's
    similarity: true for cosine, false for dot. ``max_length`` is in tokens; its default is
    the model's limit. If padding on the left would change a text's vector, padding is put on
    the right.

    Weights of transformers are read only from safetensors. If another module has a pickled
    file, the library reads only tensors from it.

    Raises:
        EffbenchError: the model cannot be loaded, or an option does not suit it.

    """

    requires: ClassVar[Mapping[str, str]] = {
        "sentence_transformers": "effbench[sentence-transformers]"
    }

    def __init__(
        self,
        model: ModelId,
        *,
        revision: str | None = None,
        query_prompt: QueryOnly[str | None] = None,
        query_prompt_name: QueryOnly[str | None] = None,
        passage_prompt: str | None = None,
        passage_prompt_name: str | None = None,
        normalize: bool | None = None,
        max_length: Count | None = None,
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        device: SpeedOnly[str] = "auto",
        batch_size: SpeedOnly[Count] = 32,
        trust_remote_code: bool = False,
    ) -> None:
        from effbench_sentence_transformers.loading import cut, load

        self._name = model
        self._model = load(model, revision, dtype, device, trust_remote_code)
        self._normalize = _is_cosine(self._model) if normalize is None else normalize
        self._query_prompt = _prompt(
            self._model, query_prompt, query_prompt_name, "query_prompt_name", ("query",)
        )
        self._passage_prompt = _prompt(
            self._model,
            passage_prompt,
            passage_prompt_name,
            "passage_prompt_name",
            ("document", "passage", "corpus"),
        )
        prompts = (self._text_of(self._query_prompt), self._text_of(self._passage_prompt))
        cut(self._model, max_length, prompts)
        self._half = dtype != "float32"
        self._tried: set[str] = set()
        self._batch_size = batch_size
        self._trusted = trust_remote_code

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        if len(queries) > 1:  # a single query does not wait for the check
            self._try_batch("encode_query", self._query_prompt)
        return self._encode("encode_query", queries, self._query_prompt)

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d]; row i belongs to doc i.

        Raises:
            EffbenchError: a text's vector depends on the other texts in its batch.

        """
        import numpy as np

        self._try_batch("encode_document", self._passage_prompt)
        texts = [doc.default_text() for doc in docs]
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        part = SEEN_BATCHES * self._batch_size
        parts = []
        for begin in range(0, max(1, len(order)), part):
            some = [texts[row] for row in order[begin : begin + part]]
            parts.append(self._encode("encode_document", some, self._passage_prompt))
            tell_encoded(len(some))
        vectors: Vectors = np.concatenate(parts)[np.argsort(order)]
        return vectors

    def describe(self) -> Description:
        """Tell the number of parameters; the model is one stage."""
        from effbench_sentence_transformers.loading import query_parameters

        return Description(query_parameters=query_parameters(self._model))

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the model with the prompts and the normalisation of this encoder.

        With ``passages``, a folder of Sentence Transformers, that folder's model reads docs.

        Raises:
            EffbenchError: the model is trusted to run its code, or cuts its vectors.

        """
        from sentence_transformers.sentence_transformer.modules import Normalize

        from effbench_transformer.exporting import refuse_own_code, write_with

        refuse_own_code(self._trusted)
        self._try_batch("encode_query", self._query_prompt)  # may change the padding's side
        self._try_batch("encode_document", self._passage_prompt)
        if self._model.truncate_dim is not None:
            raise EffbenchError(
                "export: the model cuts its vectors after its last module "
                "(deploy it under its own name)"
            )
        modules = list(self._model.children())
        if self._normalize and not isinstance(modules[-1], Normalize):
            modules.append(Normalize())
        write_with(
            passages,
            folder,
            modules,
            query_prompt=self._text_of(self._query_prompt),
            passage_prompt=self._text_of(self._passage_prompt),
            normalized=self._normalize,
            about="A model of Sentence Transformers with the prompts of an encoder row.",
            device=str(self._model.device),
        )

    def _try_batch(self, method: str, prompt: Mapping[str, str]) -> None:
        """Compare two texts' vectors alone and in a batch; if they differ, pad on the right.

        Raises:
            EffbenchError: they differ with padding on the right, too.

        """
        if method in self._tried:
            return
        import numpy as np

        from effbench_sentence_transformers.loading import pad_right
        from effbench_transformer.soundness import batch_decides, moved_by_a_batch

        alone = np.concatenate([self._encode(method, [text], prompt) for text in PAIR])
        if moved_by_a_batch(alone, self._encode(method, PAIR, prompt, 2), self._half):
            pad_right(self._model)
            if moved_by_a_batch(alone, self._encode(method, PAIR, prompt, 2), self._half):
                raise batch_decides(self._name, alone)
        self._tried.add(method)

    def _text_of(self, prompt: Mapping[str, str]) -> str:
        if "prompt" in prompt:
            return prompt["prompt"]
        return str(self._model.prompts[prompt["prompt_name"]]) if prompt else ""

    def _encode(
        self,
        method: str,
        texts: Sequence[str],
        prompt: Mapping[str, str],
        batch_size: int | None = None,
    ) -> Vectors:
        import numpy as np

        if not texts:
            return self._encode(method, [""], prompt)[:0]  # only a vector shows the width
        vectors = getattr(self._model, method)(
            list(texts),
            batch_size=batch_size or self._batch_size,
            normalize_embeddings=self._normalize,
            show_progress_bar=False,
            **prompt,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @staticmethod
    def check(
        *,
        query_prompt: str | None,
        query_prompt_name: str | None,
        passage_prompt: str | None,
        passage_prompt_name: str | None,
        dtype: str,
        device: str,
        **_: object,
    ) -> None:
        """Raise `EffbenchError` for a prompt that is given twice, or float16 on a CPU."""
        for kind, text, name in (
            ("query", query_prompt, query_prompt_name),
            ("passage", passage_prompt, passage_prompt_name),
        ):
            if text is not None and name is not None:
                raise EffbenchError(
                    f"{kind}_prompt and {kind}_prompt_name both say the prompt (give one)"
                )
        if dtype == "float16" and device == "cpu":
            from effbench_transformer import HALF_ON_CPU

            raise EffbenchError(HALF_ON_CPU)


def _is_cosine(model: Any) -> bool:
    similarity = str(model.similarity_fn_name)
    if similarity not in ("cosine", "dot"):
        raise EffbenchError(
            f"the model's similarity is {similarity}, scores here are "
            "inner products (give normalize: true or false to take it all the same)"
        )
    return similarity == "cosine"


def _prompt(
    model: Any, text: str | None, name: str | None, option: str, stored: Sequence[str]
) -> dict[str, str]:
    """Return the prompt as arguments of ``encode_query`` and ``encode_document``.

    ``stored`` are the names of prompts that are tried, in order, without ``text`` and ``name``.

    Raises:
        EffbenchError: the model has no prompt ``name``.

    """
    if text is not None:
        return {"prompt": text}
    if name is None:
        # The library adds an empty "document" prompt to each model. By itself, it would use
        # this prompt, and not a "passage" prompt that is stored in the model.
        name = next((each for each in stored if model.prompts.get(each)), None)
    elif name not in model.prompts:
        known = ", ".join(map(repr, model.prompts))
        raise EffbenchError(f"{option}: the model has no {name!r} (known: {known})")
    return {"prompt_name": name} if name else {}


@hookimpl
def effbench_encoders() -> Mapping[str, type[SentenceTransformersEncoder]]:
    """Offer ``sentence-transformers``."""
    return {"sentence-transformers": SentenceTransformersEncoder}
