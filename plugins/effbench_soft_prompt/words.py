"""Words of the vocabulary that are nearest to the vectors of a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch.nn.functional import normalize

from effbench.files import find_model
from effbench_soft_prompt.prompts import check_backbone, load_prompt, open_backbone


def nearest(
    folder: Path, count: int, backbone: str | None
) -> Iterator[tuple[str, int, list[tuple[str, float]]]]:
    """Yield for each vector its side, its number, and its ``count`` nearest words with cosines.

    The side is ``queries`` or ``passages``, or ``both`` if the prompt is tied.

    Raises:
        EffbenchError: the folder holds no prompt, or its backbone is missing or has different
            weights.

    """
    prompt = load_prompt(folder)
    name, revision = (backbone, None) if backbone else prompt.backbone[:2]
    opened = open_backbone(str(find_model(name, Path()) or name), revision)
    check_backbone(prompt, opened, str(folder))
    words = normalize(opened.network.get_input_embeddings().weight.detach())
    sides = {"queries": prompt.queries, "passages": prompt.passages}
    if prompt.tied:
        sides = {"both": prompt.queries}
    for side, vectors in sides.items():
        cosines, ids = (normalize(vectors) @ words.T).topk(min(count, len(words)))
        pairs = zip(cosines.tolist(), ids.tolist(), strict=True)
        for number, (near, nearest_ids) in enumerate(pairs):
            spelled = opened.tokenizer.convert_ids_to_tokens(nearest_ids)
            yield side, number, list(zip(spelled, near, strict=True))
