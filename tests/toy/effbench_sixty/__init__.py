"""Hundreds of kinds of hostile plugins: an option ``does`` says which, ``PLACE: NAME``."""

from __future__ import annotations

import effbench
from effbench_sixty.datasets import SixtyDataset
from effbench_sixty.encoders import SixtyEncoder
from effbench_sixty.indexes import SixtyIndex
from effbench_sixty.retrievers import SixtyRetriever
from effbench_sixty.trainers import SixtyTrainer
from effbench_sixty.witness import WitnessEncoder, WitnessIndex, WitnessRetriever


@effbench.hookimpl
def effbench_datasets():
    return {"sixty": SixtyDataset}


@effbench.hookimpl
def effbench_encoders():
    return {"sixty": SixtyEncoder, "witness": WitnessEncoder}


@effbench.hookimpl
def effbench_indexes():
    return {"sixty": SixtyIndex, "witness": WitnessIndex}


@effbench.hookimpl
def effbench_retrievers():
    return {"sixty": SixtyRetriever, "witness": WitnessRetriever}


@effbench.hookimpl
def effbench_trainers():
    return {"sixty": SixtyTrainer}
