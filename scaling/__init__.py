"""The science of √d_k: arrays in, arrays and records out. No files, frames, plots or clocks.

Examples in docstrings go on from `import numpy as np` and `from scaling import *`.
"""

from scaling.attention import Attention, SelfAttentionV1, SelfAttentionV2, attend, simplified_attention
from scaling.attention_law import AttentionLaw, attention_law
from scaling.decoder import Decoder
from scaling.dot_product_law import DotProductLaw, dot_product_law
from scaling.entries import ENTRY_LAWS, EntryLaw, Gaussian, Sign, Sparse, StudentT, Uniform, entry_law
from scaling.freezing import freezing_d_k, freezing_sigma, limit_of_entropy, limit_of_sum_p2
from scaling.goodness import anderson_darling, mean_against_normal
from scaling.gradients import ChainedGradients, chained_gradients, score_gradient
from scaling.heads import HeadMeasurement, HeadQuantities, measure_head
from scaling.initialisation import INITIALISATIONS, initial_variance, layer_norm
from scaling.intervals import Interval, mean_interval
from scaling.moments import Moments
from scaling.multi_head import CausalAttention, MultiHeadAttention
from scaling.pair_moments import measure_pairs, plan_pairs
from scaling.pairs import PAIR_LAWS, PairLaw
from scaling.rule_names import SCORE_RULES, score_rule
from scaling.rules import RAW, SCALED, PowerRule
from scaling.sampling import Tiles, draw_rows, draw_scores, plan_second_moments, plan_tiles, second_moments
from scaling.saturation import RowObservables, row_observables
from scaling.softmax_law import SoftmaxLaw, softmax_law
from scaling.torch_random import TorchRandom
from scaling.vectors import DotProductMoments, PairMoments, dot_product_moments

__all__ = [
    "ENTRY_LAWS",
    "INITIALISATIONS",
    "PAIR_LAWS",
    "RAW",
    "SCALED",
    "SCORE_RULES",
    "Attention",
    "AttentionLaw",
    "CausalAttention",
    "ChainedGradients",
    "Decoder",
    "DotProductLaw",
    "DotProductMoments",
    "EntryLaw",
    "Gaussian",
    "HeadMeasurement",
    "HeadQuantities",
    "Interval",
    "Moments",
    "MultiHeadAttention",
    "PairLaw",
    "PairMoments",
    "PowerRule",
    "RowObservables",
    "SelfAttentionV1",
    "SelfAttentionV2",
    "Sign",
    "SoftmaxLaw",
    "Sparse",
    "StudentT",
    "Tiles",
    "TorchRandom",
    "Uniform",
    "anderson_darling",
    "attend",
    "attention_law",
    "chained_gradients",
    "dot_product_law",
    "dot_product_moments",
    "draw_rows",
    "draw_scores",
    "entry_law",
    "freezing_d_k",
    "freezing_sigma",
    "initial_variance",
    "layer_norm",
    "limit_of_entropy",
    "limit_of_sum_p2",
    "mean_against_normal",
    "mean_interval",
    "measure_head",
    "measure_pairs",
    "plan_pairs",
    "plan_second_moments",
    "plan_tiles",
    "row_observables",
    "score_gradient",
    "score_rule",
    "second_moments",
    "simplified_attention",
    "softmax_law",
]
