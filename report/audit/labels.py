"""What heads are called on the page: by numbers, since names in files may be anything."""

import pandas as pd


def head_labels(heads: pd.DataFrame) -> list[str]:
    """`layer 3, head 5`; without the layer where there is one, and `the head` where there is one head."""
    if len(heads) == 1:
        return ["the head"]
    numbers = heads[["layer_number", "head"]].itertuples(index=False)
    if heads["layer_number"].nunique() == 1:
        return [f"head {head}" for _, head in numbers]
    return [f"layer {layer}, head {head}" for layer, head in numbers]
