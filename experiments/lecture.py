"""What the lecture prints: its numbers, to hold the computed ones against. Nothing is ever computed from them."""

from collections.abc import Mapping

DECIMALS = 4  # of every printed number

Rows = Mapping[int, tuple[float, ...]]  # by row, from 0

# The matrices of self-attention, by model and name; of some only the row of the second token is printed.
MATRICES: Mapping[tuple[str, str], Rows] = {
    ("recap", "scores"): {1: (0.9544, 1.4950, 1.4754, 0.8434, 0.7070, 1.0865)},
    ("recap", "weights"): {1: (0.1385, 0.2379, 0.2333, 0.1240, 0.1082, 0.1581)},
    ("recap", "context"): {1: (0.4419, 0.6515, 0.5683)},
    ("basic", "w_query"): {0: (0.2961, 0.5166), 1: (0.2517, 0.6886), 2: (0.0740, 0.8665)},
    ("basic", "w_key"): {0: (0.1366, 0.1025), 1: (0.1841, 0.7264), 2: (0.3153, 0.6871)},
    ("basic", "w_value"): {0: (0.0756, 0.1966), 1: (0.3164, 0.4017), 2: (0.1186, 0.8274)},
    ("basic", "queries"): {1: (0.4306, 1.4551)},
    ("basic", "keys"): {1: (0.4433, 1.1419)},
    ("basic", "values"): {1: (0.3951, 1.0037)},
    ("basic", "scores"): {
        0: (0.9231, 1.3545, 1.3241, 0.7910, 0.4032, 1.1330),
        1: (1.2705, 1.8524, 1.8111, 1.0795, 0.5577, 1.5440),
        2: (1.2544, 1.8284, 1.7877, 1.0654, 0.5508, 1.5238),
        3: (0.6973, 1.0167, 0.9941, 0.5925, 0.3061, 0.8475),
        4: (0.6114, 0.8819, 0.8626, 0.5121, 0.2707, 0.7307),
        5: (0.8995, 1.3165, 1.2871, 0.7682, 0.3937, 1.0996),
    },
    ("basic", "weights"): {1: (0.1500, 0.2264, 0.2199, 0.1311, 0.0906, 0.1820)},
    ("basic", "context"): {
        0: (0.2996, 0.8053),
        1: (0.3061, 0.8210),
        2: (0.3058, 0.8203),
        3: (0.2948, 0.7939),
        4: (0.2927, 0.7891),
        5: (0.2990, 0.8040),
    },
    ("advanced", "context"): {
        0: (-0.0739, 0.0713),
        1: (-0.0748, 0.0703),
        2: (-0.0749, 0.0702),
        3: (-0.0760, 0.0685),
        4: (-0.0763, 0.0679),
        5: (-0.0754, 0.0693),
    },
}

# Softmax of the peaky example, by what its scores are multiplied with (42:39).
PEAKY: Mapping[float, tuple[float, ...]] = {
    1.0: (0.1925, 0.1426, 0.2351, 0.1426, 0.2872),
    8.0: (0.0326, 0.0030, 0.1615, 0.0030, 0.8000),
}

# Variances of 1000 dot products before and after the division, by d_k, from runs without a seed (42:39).
VARIANCE_PAIRS = 1000
VARIANCES: Mapping[int, tuple[tuple[float, float], ...]] = {
    5: ((5.3922, 1.0784), (4.6929, 0.9386), (5.4774, 1.0955), (4.8213, 0.9643)),
    20: ((19.9692, 0.9985), (20.4034, 1.0202)),
    100: ((100.6794, 1.0068), (98.8363, 0.9884)),
}
