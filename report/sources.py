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
        cited_for="cosines times a learned number in place of the division",
        checked="against the paper’s abstract",
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
