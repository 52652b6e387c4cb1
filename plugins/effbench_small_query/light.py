"""Query encoding with static and recurrent students that needs only numpy and tokenizers.

    from reader import Encoder

    Encoder("FOLDER").encode(["a query"])  # float32 [1, d]

``effbench export`` copies this file without a change into the exported folder of such a
student, as ``reader.py``. effbench itself runs the same code; torch makes some of the products.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Vectors: TypeAlias = "NDArray[np.float32]"
Product: TypeAlias = "Callable[[Vectors], Vectors]"
"""[width] -> [n], or [t, width] -> [t, n]."""
Products: TypeAlias = "Callable[[Vectors, Vectors, bool], Product]"
"""Makes a product from a weight [n, width], a bias [n], and whether the weight is int8."""

FACTS = "reader.json"
"""The file that tells `Encoder` the student's folder, its kind and its options."""

TABLE, NUMBERS, SCALES = "embedding.weight", "embedding.numbers", "embedding.scales"
"""The names of the table of words in a file of weights: in float32, or the parts of `Words`."""

TYPES = {"F32": "<f4", "I8": "i1", "U8": "u1"}
"""The types of numbers in a file of weights, by their names in safetensors and in numpy."""

FEW, BLOCK = 6, 4
"""OpenBLAS multiplies up to ``FEW`` rows fastest row by row, and more rows fastest if their
number is a multiple of ``BLOCK``."""

LONGEST = 100_000_000
"""The most bytes that a header may have; the limit of the library safetensors."""

SMALLEST = float(np.float32(6.1e-5))
"""The smallest scale that torch gives to int8 inputs."""


class Encoder:
    """The query encoder of a folder that ``effbench export`` wrote.

    ``folder`` is the exported folder; the folder of this file if it is not given.

    Raises:
        OSError, ValueError: the folder's files are missing or damaged.

    """

    def __init__(self, folder: str | Path = Path(__file__).parent) -> None:
        self._student: Static | Recurrent
        try:
            facts = json.loads(Path(folder, FACTS).read_text(encoding="utf-8"))
            self._student = _student(Path(folder, facts["student"]), facts)
        except OSError:
            raise
        except Exception as error:  # tokenizers raises a plain Exception for a damaged file
            said = f"{type(error).__name__}: {error}"
            raise ValueError(f"{folder}: no whole export of effbench ({said})") from error

    def encode(self, texts: str | Iterable[str]) -> Vectors:
        """Return the vectors of n texts, float32 [n, d]; zeros for a text without a token."""
        return self._student.encode([texts] if isinstance(texts, str) else list(texts))


def _student(folder: Path, facts: Mapping[str, Any]) -> Static | Recurrent:
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    weights = read_weights(folder / facts["weights"])
    table = _table(weights, facts)
    words, rows = tokenizer.get_vocab_size(), table.shape[0]
    if words > rows:
        raise ValueError(f"{words} words, but vectors of {rows}")
    if facts["cell"] == "static":
        return Static(tokenizer, table, facts["normalize"])
    return Recurrent(
        tokenizer,
        json.loads((folder / "recurrent.json").read_text(encoding="utf-8")),
        weights,
        table,
        facts["normalize"],
        int8=facts["int8"],
        precompute=facts["precompute"],
    )


def _table(weights: Mapping[str, Any], facts: Mapping[str, Any]) -> Vectors | Words:
    """Return the table of words among ``weights``, in float32 or in few bits."""
    if facts["width"] is None:
        table: Vectors = weights[TABLE]
        return table
    return Words(weights[NUMBERS], weights[SCALES], facts["width"])


class Words:
    """A table of words as numbers of 8 or 4 bits, with a scale for each word.

    A number times the scale of its row is the float32 number that is meant, to half a scale;
    the largest number of a row is 127 or 7. Two numbers of 4 bits share a byte: column c, and
    column c + half of the (even) width.
    """

    def __init__(self, numbers: NDArray[Any], scales: Vectors, width: int) -> None:
        """Take int8 [words, width], or uint8 [words, half of the width]; scales [words, 1]."""
        self.numbers, self.scales, self.shape = numbers, scales, (len(numbers), width)

    @classmethod
    def of(cls, table: Vectors, kept: str) -> Words:
        """Return the words of float32 [words, width], ``kept`` as int8 or int4."""
        largest = 127 if kept == "int8" else 7
        highest = np.maximum(np.abs(table).max(1, keepdims=True), np.float32(1e-12))
        scales = highest / np.float32(largest)
        whole = np.rint(table / scales).astype(np.int8)
        if kept == "int4":
            whole = np.pad(whole, ((0, 0), (0, whole.shape[1] % 2))) + np.int8(8)
            low, high = np.split(whole.view(np.uint8), 2, 1)
            return cls(low | high << np.uint8(4), scales, table.shape[1])
        return cls(whole, scales, table.shape[1])

    def take(self, ids: Any, axis: int = 0) -> Vectors:
        """Return float32 [..., width], the rows of ``ids`` [...], as an array's ``take``."""
        numbers = self.numbers.take(ids, axis)
        if numbers.dtype == np.uint8:
            halves = np.concatenate([numbers & 15, numbers >> 4], -1)[..., : self.shape[1]]
            numbers = halves.view(np.int8) - np.int8(8)
        rows: Vectors = numbers * self.scales.take(ids, axis)
        return rows

    def all(self) -> Vectors:
        """Return float32 [words, width]."""
        return self.take(range(len(self.numbers)))


def words_of(table: Vectors, kept: str | None) -> Vectors | Words:
    """Return the table float32 [words, width] as it is, or kept as int8 or int4."""
    return table if kept is None else Words.of(table, kept)


def bytes_of_a_row(table: Vectors | Words) -> int:
    """Return how many bytes of a table a token reads."""
    parts = (table.numbers, table.scales) if isinstance(table, Words) else (table,)
    return sum(int(part[0].nbytes) for part in parts)


class Static:
    """A static student: a text's vector is the mean of its tokens' rows in one table.

    ``table`` is [words, d].
    """

    def __init__(self, tokenizer: Tokenizer, table: Vectors | Words, normalize: bool) -> None:
        self._tokenizer, self._table, self._normalize = tokenizer, table, normalize
        self.width = table.shape[1]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), d]; zeros for a text without a token."""
        return self.pool(self.tokenise(texts))

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, without special tokens."""
        return tokenise(self._tokenizer, texts)

    def pool(self, tokens: Sequence[list[int]]) -> Vectors:
        """Return the vectors, float32 [n, d], of the token ids of n texts."""
        vectors = np.zeros((len(tokens), self.width), dtype=np.float32)
        for row, ids in enumerate(tokens):
            if ids:
                total = np.add.reduce(self._table.take(ids, 0))
                vectors[row] = unit(total) if self._normalize else total / len(ids)
        return vectors


def dense(weight: Vectors, bias: Vectors) -> Product:
    """Return a function that gives ``x @ weight.T + bias`` in float32.

    ``weight`` is [n, width], ``bias`` [n]. The result is [n] for ``x`` [width], and [t, n] for
    ``x`` [t, width].
    """

    def product(x: Vectors) -> Vectors:
        if x.ndim == 1:
            return weight @ x + bias
        if len(x) <= FEW:
            return np.stack([weight @ row for row in x]) + bias
        blocks = np.zeros((-(-len(x) // BLOCK) * BLOCK, x.shape[1]), dtype=np.float32)
        blocks[: len(x)] = x
        return (blocks @ weight.T)[: len(x)] + bias

    return product


class Int8:
    """A product with int8 weights, calculated in float32; it equals torch's bit by bit.

    torch's product is ``torch.ops.quantized.linear_dynamic``. The weights are int8 with one
    scale for each row. The inputs have 7 bits, with one scale for the whole ``x``. The sums of
    the products are whole numbers, and float32 holds them exactly up to a width of 1,040.
    """

    def __init__(self, weight: Vectors, bias: Vectors) -> None:
        self._scales = np.maximum(np.abs(weight).max(1), np.float32(1e-12)) / np.float32(127)
        inverse = np.float32(1) / self._scales
        whole = np.clip(np.rint(weight * inverse[:, None]), -128, 127)
        self._sums = dense(whole, np.zeros_like(bias))
        self._bias = bias.astype(np.float64)

    def __call__(self, x: Vectors) -> Vectors:
        """Return [n] of [width], or [t, n] of [t, width]."""
        scale, zero = _scale_of(x)
        levels = x.astype(np.float64)
        levels *= float(np.float32(1) / scale)
        levels += zero
        # round to float32 only here: torch uses a fused instruction, which rounds after the sum
        sums = self._sums(np.rint(levels.astype(np.float32)) - np.float32(zero))
        y = sums.astype(np.float64)
        y *= self._scales * scale
        y += self._bias
        return y.astype(np.float32)


def _scale_of(x: Vectors) -> tuple[np.float32, int]:
    """Return the scale of the inputs ``x``, and the level, 0 to 127, that means 0."""
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale = (high - low) / 127
    if np.float32(scale) == 0 or np.isinf(np.float32(1) / np.float32(scale)):
        return np.float32(0.1), 0
    if scale < SMALLEST:
        low, high = low * SMALLEST / scale, high * SMALLEST / scale
        scale = SMALLEST
    below, above = -low / scale, high / scale
    zero = below if below < 127 + above else 127 - above
    return np.float32(scale), min(max(round(zero), 0), 127)


def product(weight: Vectors, bias: Vectors, int8: bool) -> Product:
    """Return a function that multiplies with a weight [n, width] and adds a bias [n]."""
    return Int8(weight, bias) if int8 else dense(weight, bias)


class Layer(NamedTuple):
    """The products of one layer, with the biases added.

    A GRU has the gates r, z, n; an LSTM has the gates i, f, g, o, in this order.
    """

    of_inputs: Product
    """Inputs [t, width] -> [t, gates x h]."""

    of_hidden: Product
    """State [h] -> [gates x h]."""


class Recurrent:
    """A recurrent student: a GRU or LSTM reads the tokens, a head makes a vector of its state.

    ``shape`` and ``weights`` are the contents of recurrent.json and of the weights' file of the
    trained module, and ``words`` is the table of words [words, width]. ``of_rows`` makes the
    products for the inputs of several tokens, ``of_one`` those for a state and for the head.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        shape: Mapping[str, Any],
        weights: Mapping[str, Vectors],
        words: Vectors | Words,
        normalize: bool,
        *,
        int8: bool = False,
        precompute: bool = False,
        of_rows: Products = product,
        of_one: Products = product,
    ) -> None:
        def made(products: Products, name: str, end: str = "", whole: bool = int8) -> Product:
            return products(weights[f"{name}weight{end}"], weights[f"{name}bias{end}"], whole)

        self._tokenizer, self._normalize, self.width = tokenizer, normalize, shape["output"]
        # int8 inputs share a scale, which would be too coarse for all words at once
        first = int8 and not precompute
        self.step = gru_step if shape["cell"] == "gru" else lstm_step
        self.layers = [
            Layer(
                made(of_rows, "rnn.", f"_ih_l{number}", int8 if number else first),
                made(of_one, "rnn.", f"_hh_l{number}"),
            )
            for number in range(shape["layers"])
        ]
        self._head = _head(lambda name: made(of_one, f"{name}."), shape, weights)
        self._precomputed = precompute
        self.words = words
        if precompute:
            whole = words.all() if isinstance(words, Words) else words
            self.words = self.layers[0].of_inputs(whole)
        parts = 1 if shape["cell"] == "gru" else 2
        self.start = np.zeros((shape["layers"], parts, shape["hidden"]), dtype=np.float32)
        """The state before the first token, float32 [layers, parts, h].

        A GRU has one part, its outputs; an LSTM has two, its outputs and its cells.
        """

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), d]; zeros for a text without a token."""
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, ids in enumerate(self.tokenise(texts)):
            if ids:
                vectors[row] = self.vector(self.read(ids, self.start))
        return vectors

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, without special tokens."""
        return tokenise(self._tokenizer, texts)

    def read(self, ids: list[int], state: Vectors) -> Vectors:
        """Return the state after the tokens ``ids``, at least one; do not change ``state``."""
        rows, state = self.words.take(ids, 0), state.copy()
        for number, layer in enumerate(self.layers):
            gates = rows if self._precomputed and number == 0 else layer.of_inputs(rows)
            rows = np.empty((len(ids), state.shape[2]), dtype=np.float32)
            for position, gate in enumerate(gates):
                self.step(gate, layer.of_hidden, state[number])
                rows[position] = state[number, 0]
        return state

    def vector(self, state: Vectors) -> Vectors:
        """Return the vector, float32 [d], of the text that led to ``state``."""
        last = state[-1, 0]
        for part in self._head:
            last = part(last)
        return unit(last) if self._normalize else last


def _head(
    made: Callable[[str], Product], shape: Mapping[str, Any], weights: Mapping[str, Vectors]
) -> list[Product]:
    """Return the products that turn the last state [h] into the vector [d], in order.

    ``made`` returns the product with the weights of a name.
    """
    numbers = range(shape["feed_forward"])
    head = [
        feed_forward(
            made(f"head.{number}.intermediate"),
            made(f"head.{number}.output"),
            weights[f"head.{number}.norm.weight"],
            weights[f"head.{number}.norm.bias"],
        )
        for number in numbers
    ]
    if shape["output"] != shape["hidden"]:
        head.append(made(f"head.{len(numbers)}"))
    return head


def feed_forward(widen: Product, narrow: Product, weight: Vectors, bias: Vectors) -> Product:
    """Return BERT's intermediate and output layers: widen, GELU, narrow, add, normalise.

    ``weight`` and ``bias`` [h] are the weights of the layer norm.
    """

    def product(x: Vectors) -> Vectors:
        y = x + narrow(_gelu(widen(x)))
        apart = y - y.mean()
        unscaled: Vectors = apart / np.sqrt(np.square(apart).mean() + np.float32(1e-12))
        return unscaled * weight + bias

    return product


def _gelu(x: Vectors) -> Vectors:
    """Return x times the share of the normal distribution below x, exact to 5e-7."""
    z = np.abs(x.astype(np.float64)) / np.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)  # Abramowitz and Stegun, 7.1.26; numpy has no erf
    powers = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    above = np.polyval([*reversed(powers), 0.0], t) * np.exp(-z * z) / 2
    y: Vectors = (x * np.where(x > 0, 1 - above, above)).astype(np.float32)
    return y


def gru_step(gate: Vectors, product: Product, hidden: Vectors) -> None:
    """Change ``hidden`` [1, h] to the state after one more token.

    ``gate`` [3 x h] is the product of the token's input, ``product`` makes the state's product.
    """
    h = hidden[0]
    size = len(h)
    recurrent = product(h)
    both = _sigmoid(gate[: 2 * size] + recurrent[: 2 * size])
    new = np.tanh(gate[2 * size :] + both[:size] * recurrent[2 * size :])
    hidden[0] = new + both[size:] * (h - new)


def lstm_step(gate: Vectors, product: Product, hidden: Vectors) -> None:
    """Change ``hidden`` [2, h], outputs and cells, to the state after one more token.

    ``gate`` [4 x h] is the product of the token's input, ``product`` makes the state's product.
    """
    size = hidden.shape[1]
    gate = gate + product(hidden[0])
    both = _sigmoid(gate[: 2 * size])
    cell = both[size:] * hidden[1] + both[:size] * np.tanh(gate[2 * size : 3 * size])
    hidden[1] = cell
    hidden[0] = _sigmoid(gate[3 * size :]) * np.tanh(cell)


def _sigmoid(x: Vectors) -> Vectors:
    """Change ``x`` to its sigmoid, and return it."""
    half = np.float32(0.5)
    x *= half  # tanh is used because exp(-x) can overflow
    np.tanh(x, x)
    x *= half
    x += half
    return x


def tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text, without special tokens."""
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def unit(vector: Vectors) -> Vectors:
    """Return ``vector`` [d] divided by its L2 norm; zeros stay zeros."""
    length = max(float(np.sqrt(vector @ vector)), 1e-12)
    return vector * np.float32(1 / length)


def read_weights(path: Path) -> dict[str, Any]:
    """Return the arrays of a safetensors file by name, all of them of `TYPES`.

    The file is the length of the header in 8 bytes, the header in JSON, and the numbers.

    Raises:
        OSError, ValueError, KeyError, TypeError: the file is missing or damaged, or an array
            has another type.

    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > LONGEST:
            raise ValueError(f"{path}: no file of safetensors")
        header = dict(json.loads(file.read(size)))
    found = {}
    for name, facts in header.items():
        if name != "__metadata__":
            if facts["dtype"] not in TYPES:
                raise ValueError(f"{path}: {name} is {facts['dtype']}, not {', '.join(TYPES)}")
            first, end = facts["data_offsets"]
            if first < 0:
                raise ValueError(f"{path}: {name} begins before the file's data")
            kind = np.dtype(TYPES[facts["dtype"]])
            count = (end - first) // kind.itemsize
            own = np.fromfile(path, kind, count, offset=8 + size + first)
            found[name] = own.reshape(facts["shape"])
    return found
