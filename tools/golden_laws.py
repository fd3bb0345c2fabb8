"""Golden values of the exact laws in 30 digits, by brute force with mpmath.

    .venv/bin/python tools/golden_laws.py        # writes tests/golden_laws.json, in about 15 minutes of one core

Softmax law: the integrals of scaling/softmax_law.py, but in many digits, with half the step and longer tails.
Dot-product law: for d_k up to 101 the density from mpmath's Bessel function and the upper tail by integrating it;
above, both as means over the length of the query, which agree with the former to all digits printed at 103.
"""

import json
from pathlib import Path

import mpmath as mp

mp.mp.dps = 30
TARGET = Path(__file__).parents[1] / "tests" / "golden_laws.json"
POINTS = [  # σ, n: scattered over the stated ranges, and on both sides of every change of method
    ("0.001", 2), ("0.05", 10**6), ("0.39", 64), ("0.41", 64), ("1", 50), ("1", 10**12), ("3.9", 1024), ("4.6", 10**6),
    ("7.4", 10**12), ("29", 100), ("31", 10**12), ("1000", 7), ("10000", 2), ("10000", 10**12),
]  # fmt: skip
DENSITIES = [
    (1, "0.01"),
    (1, "30"),
    (2, "5"),
    (7, "0"),
    (7, "100"),
    (101, "3"),
    (102, "20"),
    (103, "0"),
    (103, "3"),
    (103, "40"),
    (4096, "200"),
    (10**6, "1500"),
]


def softmax_law(sigma: mp.mpf, n: int) -> dict[str, str]:
    """Every field but the largest weight, by trapezoid sums of step 1/8 over tails of e^-60: errors below 1e-30."""
    log_n = mp.log(n)
    h = mp.mpf(1) / 8
    farthest = mp.sqrt(2 * (log_n + 60))
    low = -log_n - min(sigma * farthest, sigma**2 / 2) - 60
    high = 5 + sigma * (farthest if n < 200 else 0)
    step = h * mp.sqrt(1 + sigma**2 / (2 * log_n + 1))
    if sigma < mp.mpf("0.4"):
        nodes = [i * h for i in range(-100, 101)]
        weights = [mp.npdf(x) * h for x in nodes]
        nodes = [sigma * x for x in nodes]
    else:
        nodes = [-log_n - 62 + i * h for i in range(int((67 + log_n) / h) + 1)]
        gumbel = [mp.exp(y - mp.exp(y)) for y in nodes]
        powers = [mp.exp(y) for y in nodes]

    def at(u: mp.mpf) -> tuple[mp.mpf, ...]:
        """1 - φ, A_1, A_2, A_3 and E[(y + γ) e^y e^(-e^y)]."""
        if sigma < mp.mpf("0.4"):
            sums = [mp.mpf(0)] * 5
            for shift, weight in zip(nodes, weights, strict=True):
                e = mp.exp(u + shift)
                g = e * mp.exp(-e)
                terms = (-mp.expm1(-e), g, g * e, g * e * e, (u + shift + mp.euler) * g)
                sums = [total + weight * term for total, term in zip(sums, terms, strict=True)]
            return tuple(sums)
        sums = [mp.mpf(0)] * 5
        for y, g, e in zip(nodes, gumbel, powers, strict=True):
            z = (u - y) / sigma
            f = mp.npdf(z) / sigma
            terms = (mp.ncdf(z) * g, f * g, f * g * e, f * g * e * e, f * (y + mp.euler) * g)
            sums = [total + h * term for total, term in zip(sums, terms, strict=True)]
        return tuple(sums)

    total = [mp.mpf(0)] * 6
    for i in range(int((high - low) / step) + 1):
        u = low + i * step
        missing, a1, a2, a3, gap = at(u)
        if missing >= 1:
            break
        phi = 1 - missing
        p1, p2 = phi ** (n - 1), phi ** (n - 2)
        p3 = phi ** (n - 3) if n > 2 else mp.mpf(0)
        terms = (
            u * n * a1 * p1, n * gap * p1, n * a2 * p1, n * a3 * p1 / 2, n * (n - 1) * a1**2 * p2,
            mp.mpf(n) * (n - 1) * (2 * a2**2 * p2 + (n - 2) * a2 * a1**2 * p3) / 6,
        )  # fmt: skip
        total = [old + step * term for old, term in zip(total, terms, strict=True)]
    names = ("log_partition", "entropy", "sum_p2", "sum_p3", "jacobian_trace", "jacobian_norm2")
    values = [-mp.euler - total[0], -total[1], *total[2:]]
    return {name: mp.nstr(value, 20) for name, value in zip(names, values, strict=True)}


def dot_product_law(d_k: int, x: mp.mpf) -> dict[str, str]:
    """Density and upper tail, by Bessel functions or, for large d_k, as means over the length of the query."""
    if d_k > 101:
        return _dot_product_law_by_length(d_k, x)
    nu = mp.mpf(d_k - 1) / 2
    constant = mp.sqrt(mp.pi) * 2**nu * mp.gamma(nu + mp.mpf(1) / 2)

    def density(t: mp.mpf) -> mp.mpf:
        if t == 0:
            return mp.gamma(nu) / (2 * mp.sqrt(mp.pi) * mp.gamma(nu + mp.mpf(1) / 2))
        return t**nu * mp.besselk(nu, t) / constant

    width = mp.sqrt(d_k)
    tail = mp.quad(density, [x + width * step for step in (0, 0.01, 0.1, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)])
    return {"pdf": mp.nstr(density(x), 20), "sf": mp.nstr(tail, 20)}


def _dot_product_law_by_length(d_k: int, x: mp.mpf) -> dict[str, str]:
    """E[f(x/r)/r] and E[Φ(-x/r)], f the normal density, over r = √d_k e^δ, the length: a trapezoid sum in δ.

    mpmath's Bessel function takes minutes at these orders.
    """
    a = mp.mpf(d_k) / 2
    log_constant = mp.log(2) + a * mp.log(a) - a - mp.loggamma(a)
    width = 1 / mp.sqrt(2 * d_k)
    pdf = sf = mp.mpf(0)
    for i in range(-128, 129):
        delta = width * i / 8
        weight = width / 8 * mp.exp(log_constant + d_k * (delta - mp.expm1(2 * delta) / 2))
        length = mp.sqrt(d_k) * mp.exp(delta)
        pdf += weight * mp.npdf(x / length) / length
        sf += weight * mp.erfc(x / length / mp.sqrt(2)) / 2
    return {"pdf": mp.nstr(pdf, 20), "sf": mp.nstr(sf, 20)}


def main() -> None:
    """Write every value."""
    softmax = []
    for sigma, n in POINTS:
        softmax.append({"sigma": float(sigma), "n_keys": n, **softmax_law(mp.mpf(sigma), n)})
        print(softmax[-1], flush=True)
    dots = [{"d_k": d_k, "x": float(x), **dot_product_law(d_k, mp.mpf(x))} for d_k, x in DENSITIES]
    TARGET.write_text(json.dumps({"softmax_law": softmax, "dot_product_law": dots}, indent=1) + "\n")


if __name__ == "__main__":
    main()
