"""Outlines of SVG paths, said shortly: relative to the point before, level and upright lines by one number."""

import re

_PARTS = re.compile(r"[MLQCz]|-?\d+(?:\.\d+)?")
_COORDINATES = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}


def shortened(path: str, factor: float = 1.0, digits: int = 2) -> str:
    """The same outline times `factor`, each point rounded to so many decimals on its own, so that no error adds up.

    The path is one of absolute M, L, Q, C and z, as matplotlib writes them; any other is given back as it is.
    """
    parts = _PARTS.findall(path)
    if "".join(parts) != re.sub(r"\s+", "", path):
        return path
    said, before = [], ""
    x = y = start_x = start_y = 0.0
    while parts:
        command = parts.pop(0) if parts[0] in _COORDINATES else "L"
        amount = _COORDINATES[command]
        values = [round(float(part) * factor, digits) for part in parts[:amount]]
        del parts[:amount]
        if command == "z":
            name, numbers = "z", []
            x, y = start_x, start_y
        else:
            numbers = [value - (y if i % 2 else x) for i, value in enumerate(values)]
            name = command.lower()
            x, y = values[-2:]
            if command == "M":
                start_x, start_y = x, y
            elif command == "L" and abs(numbers[1]) < 10**-digits / 2:
                name, numbers = "h", numbers[:1]
            elif command == "L" and abs(numbers[0]) < 10**-digits / 2:
                name, numbers = "v", numbers[1:]
        text = " ".join(brief(number, digits) for number in numbers).replace(" -", "-")
        is_same = name == before and name in "lhvqc"
        said.append(text if is_same and text.startswith("-") else f" {text}" if is_same else name + text)
        before = name
    return "".join(said)


def brief(value: float, digits: int) -> str:
    """A number with so many decimals at most and no zero that need not be there."""
    text = f"{round(value, digits) + 0.0:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return re.sub(r"^(-?)0\.", r"\1.", text)
