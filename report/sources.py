"""What the page rests on that is not its own, and how far each source was checked for what it is cited for.

`checked` names what was read again, after "Checked:", and no more is meant by it.
"""

from dataclasses import dataclass

FROM_MEMORY = "no; cited from memory of the literature, not re-read"


@dataclass(frozen=True)
class Source:
    """A text that the page cites; `cited_for` may hold formulas between dollar signs."""

    title: str
    cited_for: str
    checked: str
    authors: str = ""
    year: int = 0
    where: str = ""
    address: str = ""  # of the text itself, for life: a DOI or an arXiv number


SOURCES = (
    Source(
        title="Coding the self attention mechanism with key, query and value matrices",
        where="a recorded lecture",
        cited_for="the chapters under its name, in its order; minutes are given beside each claim that is its own",
        checked="the numbers that it prints, each of which is computed anew on this page; not its words",
    ),
    Source(
        authors="S. Raschka",
        title="Build a Large Language Model (From Scratch)",
        year=2024,
        where="Manning, chapter 3",
        cited_for="the sentence with its embeddings, seeds and classes, which the lecture shares with it, and the "
        "causal and multi-head attention of the same six tokens",
        checked="the numbers, against copies of the chapter’s code and what it prints; not the book’s words",
    ),
    Source(
        authors="A. Vaswani and others",
        title="Attention Is All You Need",
        year=2017,
        where="arXiv 1706.03762",
        address="https://arxiv.org/abs/1706.03762",
        cited_for="the suspicion that large dot products push the softmax into regions of small gradient (section "
        "3.2.1), and mean 0 and variance $d_k$ for independent components (footnote 4)",
        checked="against copies of the paper’s text, both passages",
    ),
    Source(
        authors="B. Derrida",
        title="Random-energy model: An exactly solvable model of disordered systems",
        year=1981,
        where="Physical Review B 24, 2613",
        address="https://doi.org/10.1103/PhysRevB.24.2613",
        cited_for="the freezing at $\\sigma_c = \\sqrt{2 \\ln n}$",
        checked="against the paper’s abstract, which has the transition and the frozen phase; its place against "
        "later accounts of the model, $\\beta_c = \\sqrt{2 \\ln 2}$ for $2^N$ levels of variance $N$, and this "
        "page’s own argument",
    ),
    Source(
        authors="A. Henry, P. R. Dachapally, S. Pawar and Y. Chen",
        title="Query-Key Normalization for Transformers",
        year=2020,
        where="Findings of EMNLP; arXiv 2010.04245",
        address="https://arxiv.org/abs/2010.04245",
        cited_for="cosines times a learned number in place of the division, which starts from "
        "$\\log_2(L^2 - L)$ for long sequences of length $L$",
        checked="against the paper’s abstract, and the start against the authors’ own code, which takes the 97.5th "
        "percentile of the lengths for $L$",
    ),
    Source(
        authors="J. Su",
        title="Attention scaling from the perspective of entropy invariance",
        year=2021,
        where="kexue.fm, archive 8823 (in Chinese)",
        cited_for="$\\log_{512} n$ as a factor on scaled scores, the name “entropy-invariant” for it, and the estimate "
        "behind it",
        checked="against copies of the article and of two later ones by the same author, in Chinese and in translation",
    ),
    Source(
        authors="D. Chiang and P. Cholak",
        title="Overcoming a Theoretical Limitation of Self-Attention",
        year=2022,
        where="ACL; arXiv 2202.12172",
        address="https://arxiv.org/abs/2202.12172",
        cited_for="a factor $\\ln n$ on scores, for longer inputs than those of training",
        checked="against the paper’s abstract, which names no factor, Su’s account, which quotes one of $\\ln n$ on "
        "scaled scores, and the authors’ own code, which multiplies what queries are made from by "
        "$\\frac{1}{2} \\ln n$",
    ),
    Source(
        authors="K. M. Nakanishi",
        title="Scalable-Softmax Is Superior for Attention",
        year=2025,
        where="arXiv 2501.19399",
        address="https://arxiv.org/abs/2501.19399",
        cited_for="$n^{sz}$ in place of $e^z$, with $s$ = 0.43 in its first figure",
        checked="the figure and the abstract against a copy of the paper; the formula against three later accounts, "
        "which quote it alike",
    ),
    Source(
        title="Edifice 0.2.0, module Edifice.Blocks.SSMax",
        where="hexdocs.pm/edifice",
        cited_for="scalable softmax computed as a shift of all scores",
        checked="its documentation and its source",
    ),
    Source(
        authors="B. Peng, J. Quesnelle, H. Fan and E. Shippole",
        title="YaRN: Efficient Context Window Extension of Large Language Models",
        year=2023,
        where="arXiv 2309.00071",
        address="https://arxiv.org/abs/2309.00071",
        cited_for="the temperature $t$ for contexts of $s$ times the trained length, $\\sqrt{1/t} = 0.1 \\ln s + 1$",
        checked="against the authors’ own code, which multiplies both queries and keys by that root; not against the "
        "paper’s text",
    ),
    Source(
        authors="M. Dehghani and others",
        title="Scaling Vision Transformers to 22 Billion Parameters",
        year=2023,
        where="arXiv 2302.05442",
        address="https://arxiv.org/abs/2302.05442",
        cited_for="layer-normed queries and keys",
        checked="against later accounts that quote its formula, not against the paper",
    ),
    Source(
        authors="Gemma Team",
        title="Gemma 2: Improving Open Language Models at a Practical Size",
        year=2024,
        where="arXiv 2408.00118",
        address="https://arxiv.org/abs/2408.00118",
        cited_for="a soft cap of 50 on scaled scores",
        checked="against the authors’ own code, the formula and the number",
    ),
    Source(
        authors="J. Ramapuram and others",
        title="Theory, Analysis, and Best Practices for Sigmoid Self-Attention",
        year=2024,
        where="arXiv 2409.04431",
        address="https://arxiv.org/abs/2409.04431",
        cited_for="sigmoid attention with the bias $-\\ln n$",
        checked="the formula against the authors’ own code, the bias against three later accounts",
    ),
    Source(
        authors="G. Yang and others",
        title="Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer",
        year=2022,
        where="arXiv 2203.03466",
        address="https://arxiv.org/abs/2203.03466",
        cited_for="dividing by $d_k$, for queries and keys that training has aligned",
        checked="the rule, against the manual of the authors’ own package, mup, which divides by $d_k / 8$; the reason "
        "was not re-read in the paper",
    ),
    Source(
        title="PyTorch: torch.nn.Linear, torch.nn.MultiheadAttention and torch.nn.init",
        where="the modules’ code",
        cited_for="what a linear layer’s weights and the packed matrix of a multi-head attention start from",
        checked="against copies of the code",
    ),
    Source(
        authors="X. Glorot and Y. Bengio",
        title="Understanding the difficulty of training deep feedforward neural networks",
        year=2010,
        where="AISTATS, PMLR 9, 249",
        cited_for="weights of variance 2/(inputs + outputs)",
        checked="the rule, against manuals of libraries that name it after the paper; the paper was not re-read",
    ),
    Source(
        authors="K. He, X. Zhang, S. Ren and J. Sun",
        title="Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
        year=2015,
        where="arXiv 1502.01852",
        address="https://arxiv.org/abs/1502.01852",
        cited_for="weights of variance 2/inputs, for rectifiers",
        checked="the rule, against the manual of torch.nn.init; the paper was not re-read",
    ),
    Source(
        authors="A. Radford and others",
        title="Language Models are Unsupervised Multitask Learners",
        year=2019,
        where="OpenAI, with its code",
        cited_for="weights of standard deviation 0.02, layer norm before attention, and 768 as a width",
        checked="against the published code of the model, which has all three; the report was not re-read",
    ),
    Source(
        authors="J. L. Ba, J. R. Kiros and G. E. Hinton",
        title="Layer Normalization",
        year=2016,
        where="arXiv 1607.06450",
        address="https://arxiv.org/abs/1607.06450",
        cited_for="layer norm",
        checked="the formula, against GPT-2’s code; the paper was not re-read",
    ),
    Source(
        authors="O. Dias de Farias",
        title="glassllm 0.1.0",
        year=2026,
        where="a Python package under the MIT licence, pypi.org/project/glassllm",
        cited_for="trained language models, their tokens, and the size of their first weights",
        checked="the package’s code, run beside this project’s own forward pass; what it says of the books that the "
        "models learned from was taken on trust",
    ),
    Source(
        authors="J. Su and others",
        title="RoFormer: Enhanced Transformer with Rotary Position Embedding",
        year=2021,
        where="arXiv 2104.09864",
        address="https://arxiv.org/abs/2104.09864",
        cited_for="rotary positions",
        checked="the formula, against the code of glassllm; the paper was not re-read",
    ),
    Source(
        authors="L. Carroll",
        title="Alice’s Adventures in Wonderland",
        year=1865,
        where="Macmillan, in the public domain",
        cited_for="the text that the English model reads: most of chapter I",
        checked="no; a widespread transcription was taken as it is",
    ),
    Source(
        authors="J. M. Machado de Assis",
        title="Dom Casmurro",
        year=1899,
        where="Garnier, in the public domain",
        cited_for="the text that the Portuguese model reads: chapters I and II",
        checked="no; a transcription in the old spelling was taken as it is",
    ),
    Source(
        authors="D. Madan, P. Carr and E. Chang",
        title="The variance gamma process and option pricing",
        year=1998,
        where="European Finance Review 2, 79",
        address="https://doi.org/10.1023/A:1009703431535",
        cited_for="the law of which the dot product’s is the symmetric case",
        checked=f"{FROM_MEMORY}; the density itself is tested on this page",
    ),
    Source(
        authors="T. W. Anderson and D. A. Darling",
        title="A test of goodness of fit",
        year=1954,
        where="Journal of the American Statistical Association 49, 765",
        address="https://doi.org/10.1080/01621459.1954.10501232",
        cited_for="the statistic $A^2$",
        checked=FROM_MEMORY,
    ),
    Source(
        authors="P. Pébay",
        title="Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical "
        "moments",
        year=2008,
        where="Sandia report SAND2008-6212",
        cited_for="how moments of blocks are merged",
        checked="against the report’s abstract",
    ),
    Source(
        authors="J. W. Tukey",
        title="Bias and confidence in not-quite large samples (abstract)",
        year=1958,
        where="Annals of Mathematical Statistics 29, 614",
        cited_for="the jackknife, used for the kurtosis",
        checked=FROM_MEMORY,
    ),
)
