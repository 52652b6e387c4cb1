"""The kinds of vectors: how each is checked, kept in files, and read.

A *dense* vector has a number for each dimension. A *sparse* vector has a weight for each of a
few words of a vocabulary. *Tokens* are a dense vector for each token of a text.

It may import `work` and the rooms before it.
"""
