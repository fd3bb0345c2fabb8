"""What an audit found, as files: a table of heads, the law's curve, and a record with everything in it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.audit.kinds import KINDS
from experiments.audit.measured import COLUMNS
from experiments.audit.options import AuditOptions
from experiments.output import to_json
from experiments.provenance import versions

FORMULA = ("=", "+", "-", "@")
LAW_COLUMNS = {
    "fewest_keys": "fewest keys that a row sees",
    "n_keys": "keys of a sequence: the most that a row sees",
    "row_sd": "standard deviation of independent normal scores",
    "normalised_entropy": "their mean of H / ln n, over the numbers of keys of the measured rows; exact",
}


def data_files(heads: pd.DataFrame, law: pd.DataFrame, record: Mapping[str, Any]) -> dict[str, bytes]:
    """Files named relative to the output folder."""
    tables = {"audit": as_table(heads), "audit_law": law}
    files = {
        f"audit/{name}.csv": table.to_csv(index=False, lineterminator="\n").encode() for name, table in tables.items()
    }
    return {**files, "audit/audit.json": to_json(record)}


def as_table(heads: pd.DataFrame) -> pd.DataFrame:
    """The heads as a spreadsheet may open them: after an apostrophe a layer's name is no formula, however it begins."""
    names = heads["layer"]
    return heads.assign(layer=names.where(~names.str.startswith(FORMULA), "'" + names))


def audit_record(heads: pd.DataFrame, read: Sequence[str], options: AuditOptions) -> dict[str, Any]:
    """Where it comes from, how it was measured, what each column means, and every number; null where there is none."""
    findings = [set(names.split(";")) for names in heads["findings"]]
    return {
        "provenance": versions(),
        "read": list(read),
        "settings": settings_record(options),
        "columns": [
            {"column": name, "meaning": of.meaning, "unit": of.unit, "depends_on_basis": of.depends_on_basis}
            for name, of in COLUMNS.items()
        ],
        "columns_of_audit_law": [{"column": name, "meaning": meaning} for name, meaning in LAW_COLUMNS.items()],
        "findings": [
            {"name": kind.name, "meaning": kind.meaning, "n_heads": sum(kind.name in names for names in findings)}
            for kind in KINDS
        ],
        "heads": [_head(row) for row in heads.to_dict("records")],
    }


def settings_record(options: AuditOptions) -> dict[str, Any]:
    """What the reader has said; null where she left the default."""
    return {
        "batch_first": options.batch_first,
        "causal": options.settings.causal,
        "scale": options.settings.scale,
        "entropy": options.settings.entropy,
        "heads": options.n_heads,
    }


def _head(row: Mapping[Any, Any]) -> dict[str, Any]:
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()
    }
    return {**values, "findings": list(filter(None, str(row["findings"]).split(";")))}
