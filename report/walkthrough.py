"""The lecture's matrices as its chapters speak of them, each beside what the lecture prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.lecture import DECIMALS, PEAKY, VARIANCE_PAIRS, VARIANCES
from experiments.self_attention import ADVANCED_SEED, BASIC_SEED
from report.wording import count, plain
from scaling.sampling import Tiles, variance_of_mean_square
from scaling.saturation import row_observables

FOCUS = 1  # the token that the lecture follows, from 0


@dataclass(frozen=True)
class Sheet:
    """One matrix with its labels, and the numbers that the lecture prints of it (nan where it prints none)."""

    values: NDArray[np.float64]  # (n_rows, n_columns)
    printed: NDArray[np.float64]  # the same shape
    rows: list[str]
    columns: list[str]

    @property
    def shape(self) -> str:
        """Rows × columns."""
        return f"{len(self.rows)}\u00a0×\u00a0{len(self.columns)}"

    @property
    def printed_rows(self) -> list[int]:
        """Rows of which the lecture prints every entry."""
        return [int(row) for row in np.flatnonzero(np.isfinite(self.printed).all(axis=1))]

    @property
    def n_printed(self) -> int:
        """How many of its entries the lecture prints."""
        return int(np.isfinite(self.printed).sum())

    @property
    def n_agreeing(self) -> int:
        """How many of those are the computed ones, rounded."""
        return agreeing(self.values, self.printed)

    @property
    def turned(self) -> "Sheet":
        """The same matrix with its columns as rows."""
        return Sheet(self.values.T, self.printed.T, self.columns, self.rows)

    def entry(self, row: int, column: int) -> str:
        """A computed entry with as many decimals as the lecture prints."""
        return plain(float(self.values[row, column]), DECIMALS)

    def printed_entry(self, row: int, column: int) -> str:
        """The same entry as the lecture prints it."""
        return plain(float(self.printed[row, column]), DECIMALS)


def agreeing(computed: NDArray[np.float64], printed: NDArray[np.float64]) -> int:
    """How many printed numbers are the computed ones, rounded; those that are nan are not printed."""
    return int((np.abs(computed - printed) <= 0.5 * 10.0**-DECIMALS).sum())


def agreement(n_agreeing: int, n_printed: int) -> str:
    """In words."""
    if n_agreeing < n_printed:
        return f"{n_agreeing} of {n_printed} printed numbers agree to the last digit"
    if n_printed <= 2:
        return f"{'both printed numbers agree' if n_printed == 2 else 'the printed number agrees'} to the last digit"
    return f"all {count(n_printed, 'printed number')} agree to the last digit"


@dataclass(frozen=True)
class Line:
    """One row of a matrix, computed and printed."""

    label: str  # plain text with maths as $...$
    computed: list[str]
    printed: list[str]


@dataclass(frozen=True)
class Comparison:
    """Rows of one or several matrices beside what the lecture prints."""

    columns: list[str]
    lines: list[Line]
    agreement: str


@dataclass(frozen=True)
class PrintedRun:
    """One run of the variance demonstration as the lecture's material prints it."""

    d_k: int
    before: float
    after: float

    @property
    def off(self) -> float:
        """How far its variance is from d_k, as a share of it."""
        return self.before / self.d_k - 1

    @property
    def standard_deviations(self) -> float:
        """The same in standard deviations of such a run for normal entries, √((2 + 6/d_k)/N)."""
        return self.off / float(variance_of_mean_square(self.d_k, Tiles(VARIANCE_PAIRS, 1, 1)) ** 0.5)


@dataclass(frozen=True)
class Role:
    """What one of a token's three vectors stands for."""

    name: str  # plain text with maths as $...$
    in_library: str
    in_sentence: str
    vector: str  # that of the token which the lecture follows


@dataclass(frozen=True)
class Walkthrough:
    """Everything that the lecture's chapters say in numbers."""

    recap: SimpleNamespace  # of each matrix by its name
    basic: SimpleNamespace
    advanced: SimpleNamespace
    peaky: Sheet  # a row for each factor
    printed_runs: list[PrintedRun]
    n_pairs: int  # of each of these
    basic_seed: int
    advanced_seed: int
    focus: int  # row of the token that the lecture follows
    token: str  # that token
    tokens: list[str]
    d_in: int
    d_k: int
    d_v: int
    n_agreeing: int
    n_printed: int
    lowest_score: float
    mean_score: float
    score_variance: float  # population variance over all queries and keys
    raw_entropy: float  # of the followed token's weights without the division
    scaled_entropy: float

    @property
    def n_tokens(self) -> int:
        """Tokens in the sentence."""
        return len(self.tokens)

    @property
    def agreement(self) -> str:
        """Over all that the lecture prints of its matrices and of the peaky softmax."""
        return agreement(self.n_agreeing, self.n_printed)

    def compare(self, sheets: Mapping[str, Sheet], rows: Sequence[int] | None = None) -> Comparison:
        """Printed rows of matrices by what their lines are called: with "" a line has its row's own label.

        With `rows` only those; a name followed by several rows is followed by each one's label.
        """
        chosen = [(name, sheet, row) for name, sheet in sheets.items() for row in rows or sheet.printed_rows]
        alone = {name: len(rows or sheet.printed_rows) == 1 for name, sheet in sheets.items()}
        entries = [(sheet.values[row], sheet.printed[row]) for _, sheet, row in chosen]
        return Comparison(
            columns=next(iter(sheets.values())).columns,
            lines=[
                Line(
                    label=name if alone[name] and name else f"{name} {sheet.rows[row]}".strip(),
                    computed=[plain(value, DECIMALS) for value in sheet.values[row]],
                    printed=[plain(value, DECIMALS) for value in sheet.printed[row]],
                )
                for name, sheet, row in chosen
            ],
            agreement=agreement(sum(agreeing(*pair) for pair in entries), sum(len(printed) for _, printed in entries)),
        )

    @property
    def roles(self) -> list[Role]:
        """Query, key and value."""

        def vector(sheet: Sheet) -> str:
            return f"({', '.join(sheet.entry(self.focus, column) for column in range(len(sheet.columns)))})"

        queries, keys, values = vector(self.basic.queries), vector(self.basic.keys), vector(self.basic.values)
        asks, offers, says = (
            "what this token looks for in the others", "what a token can be found by",
            "what a token passes on when found",
        )  # fmt: skip
        return [
            Role("query $q_i$", "the question you came with", asks, queries),
            Role("key $k_j$", "what stands on the spine", offers, keys),
            Role("value $v_j$", "what stands inside", says, values),
        ]

    @property
    def even_entropy(self) -> float:
        """Of equal weights on all tokens, in nats."""
        return float(np.log(self.n_tokens))


def walkthrough(matrices: pd.DataFrame, peaky: pd.DataFrame) -> Walkthrough:
    """From the frames of the lecture's matrices and of its peaky softmax."""
    models = {
        str(model): SimpleNamespace(
            **{str(name): _sheet(entries) for name, entries in part.groupby("matrix", sort=False)}
        )
        for model, part in matrices.groupby("model", sort=False)
    }
    basic = models["basic"]
    peaky_sheet = _peaky_sheet(peaky)
    entropies = row_observables([sheet.values[FOCUS] for sheet in (basic.scores, basic.scaled_scores)]).entropy[0]
    sheets = [sheet for model in models.values() for sheet in vars(model).values()] + [peaky_sheet]
    return Walkthrough(
        recap=models["recap"],
        basic=basic,
        advanced=models["advanced"],
        peaky=peaky_sheet,
        printed_runs=[PrintedRun(d_k, *run) for d_k, runs in VARIANCES.items() for run in runs],
        n_pairs=VARIANCE_PAIRS,
        basic_seed=BASIC_SEED,
        advanced_seed=ADVANCED_SEED,
        focus=FOCUS,
        token=basic.queries.rows[FOCUS],
        tokens=basic.queries.rows,
        d_in=len(basic.w_query.rows),
        d_k=len(basic.keys.columns),
        d_v=len(basic.values.columns),
        n_agreeing=sum(sheet.n_agreeing for sheet in sheets),
        n_printed=sum(sheet.n_printed for sheet in sheets),
        lowest_score=float(basic.scores.values.min()),
        mean_score=float(basic.scores.values.mean()),
        score_variance=float(basic.scores.values.var()),
        raw_entropy=float(entropies[0]),
        scaled_entropy=float(entropies[1]),
    )


def _sheet(entries: pd.DataFrame) -> Sheet:
    """One matrix of the frame."""
    shape = (int(entries["row"].max()) + 1, int(entries["column"].max()) + 1)
    ordered = entries.sort_values(["row", "column"])
    return Sheet(
        values=ordered["value"].to_numpy().reshape(shape),
        printed=ordered["printed"].to_numpy().reshape(shape),
        rows=ordered["row_label"].tolist()[:: shape[1]],
        columns=ordered["column_label"].tolist()[: shape[1]],
    )


def _peaky_sheet(peaky: pd.DataFrame) -> Sheet:
    """The peaky softmax as a matrix: a row for each factor, a column for each score."""
    ordered = peaky.sort_values(["factor", "index"])
    factors = [float(factor) for factor in ordered["factor"].unique()]
    scores = ordered.loc[ordered["factor"] == factors[0], "score"] / factors[0]
    return Sheet(
        values=ordered["weight"].to_numpy().reshape(len(factors), -1),
        printed=np.array([PEAKY[factor] for factor in factors]),
        rows=["as they are" if factor == 1 else f"times {factor:g}" for factor in factors],
        columns=[plain(score, 1) for score in scores],
    )
