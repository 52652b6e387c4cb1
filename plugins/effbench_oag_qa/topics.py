"""The 87 topics of OAG-QA and the disciplines that they belong to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import effbench

DISCIPLINES = {
    "GEOMETRY": (
        *("geometry", "algebraic_geometry", "algebraic_topology", "differential_geometry"),
        *("group_theory", "category", "topology"),
    ),
    "STATISTICS": ("mathematical_statistics", "bayes_theorem", "probability_theory"),
    "ALGEBRA": ("algebra", "polynomial"),
    "CALCULUS": (
        *("calculus", "partial_differential_equation", "functional_analysis"),
        *("hilbert_space", "real_analysis"),
    ),
    "NUMBER_THEORY": ("number_theory", "combinatorics", "set_theory", "prime_number"),
    "LINEAR_ALGEBRA": ("linear_algebra", "matrix"),
    "ASTROPHYSICS": (
        *("astronomy", "astrophysics", "universe", "cosmology"),
        *("general_relativity", "special_relativity", "spacetime", "dark_matter"),
        *("black_hole", "entropy", "string_theory"),
    ),
    "QUANTUM_MECHANICS": (
        *("quantum_gravity", "quantum_mechanics", "quantum_entanglement"),
        *("quantum_information", "quantum_field_theory", "particle_physics"),
        *("photon", "supersymmetry", "thermodynamics"),
        *("experimental_physics", "conformal_field_theory", "gauge_theory"),
    ),
    "PHYSICS": (
        *("classical_mechanics", "condensed_matter_physics", "optics"),
        *("electromagnetism", "mathematical_physics"),
    ),
    "CHEMISTRY": (
        *("organic_chemistry", "chemical_synthesis", "inorganic_chemistry"),
        *("physical_chemistry", "computational_chemistry"),
    ),
    "BIOCHEMISTRY": ("biochemistry", "cell_biology"),
    "HEALTH_CARE": ("health_care", "endocrinology", "physiology"),
    "NATURAL_SCIENCE": ("natural_science", "evolutionary_biology"),
    "PSYCHOLOGY": ("social_psychology", "cognitive_neuroscience"),
    "ALGORITHM": ("algorithm", "graph_theory"),
    "NEURAL_NETWORK": ("artificial_neural_network", "cognitive_science"),
    "COMPUTER_VISION": (
        "computer_vision",
        "computer_graphics_images",
        "convolutional_neural_network",
    ),
    "DATA_MINING": (
        *("data_mining", "feature_selection", "cross_validation"),
        *("time_series", "cluster_analysis"),
    ),
    "DEEP_LEARNING": ("deep_learning", "optimization_algorithm", "reinforcement_learning"),
    "MACHINE_LEARNING": (
        "machine_learning",
        "hidden_markov_model",
        "classifier",
        "linear_regression",
    ),
    "NLP": ("natural_language_processing", "recurrent_neural_network"),
    "ECONOMICS": ("economics",),
}
TOPICS = tuple(topic for topics in DISCIPLINES.values() for topic in topics)
FILE_NAMES = {"PSYCOLOGY": "PSYCHOLOGY"}  # a misspelling in the authors' lists of topics


def checked_discipline(name: str) -> str:
    """Return the name of a discipline as `DISCIPLINES` spells it.

    Raises:
        EffbenchError: there is no such discipline.

    """
    spelled = name.upper().replace("-", "_").replace(" ", "_")
    spelled = FILE_NAMES.get(spelled, spelled)
    if spelled not in DISCIPLINES:
        meant = _meant(spelled, DISCIPLINES, "disciplines")
        raise effbench.EffbenchError(f"oag-qa: there is no discipline {name!r} ({meant})")
    return spelled


def unknown_topic(name: str) -> effbench.EffbenchError:
    """Return the error for an unknown topic; it names similar topics, or all of them."""
    spelled = name.upper()
    known = spelled in DISCIPLINES or spelled in FILE_NAMES
    meant = f"discipline: {name} is one" if known else _meant(name.lower(), TOPICS, "topics")
    return effbench.EffbenchError(f"oag-qa: there is no topic {name!r} ({meant})")


def _meant(name: str, known: Iterable[str], kind: str) -> str:
    close = difflib.get_close_matches(name, known := tuple(known))
    return f"did you mean {' or '.join(close)}?" if close else f"{kind}: {', '.join(known)}"
