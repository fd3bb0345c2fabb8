"""The words and symbols of the page, each in one sentence, and where it is explained."""

from report.term import Term

GLOSSARY = (
    Term(
        "block",
        "A sample with random draws of its own; estimates are means over blocks, and their scatter gives the interval.",
        ("section", "method"),
    ),
    Term(
        "causal mask",
        "The rule that a token attends only to itself and to earlier tokens: later scores are set to $-\\infty$.",
        ("equation", "causal"),
    ),
    Term(
        "claim",
        "A statement with a predicted region for one number, or for a curve of numbers, on which a verdict is given.",
        ("section", "verdicts"),
    ),
    Term(
        "context vector, $z_i$",
        "What attention returns for token $i$: the average of all values under the weights of its row.",
        ("equation", "context"),
        "context vector",
    ),
    Term(
        "$d_{\\mathrm{in}}$",
        "How many numbers an embedding has; the weight matrices have as many rows.",
        ("equation", "projection"),
        "d_in",
    ),
    Term(
        "$d_k$",
        "How many numbers a query and a key of one head have; the dot product is a sum of that many products.",
        ("section", "matrices"),
        "d_k",
    ),
    Term(
        "$d_{\\mathrm{model}}$",
        "How many numbers a model keeps for each token; its heads share them out.",
        ("equation", "heads"),
        "d_model",
    ),
    Term(
        "$d_v$",
        "How many numbers a value has, and so a context vector of one head.",
        ("section", "matrices"),
        "d_v",
    ),
    Term(
        "dead row",
        "A row of the softmax whose Jacobian has a trace below 0.01: next to no gradient comes through it.",
        ("section", "gradients"),
    ),
    Term(
        "dot product, $q \\cdot k$",
        "The sum of the products of two vectors’ entries; it grows with their lengths as well as with their likeness.",
        ("equation", "dot-product"),
        "dot product",
    ),
    Term(
        "effective keys",
        "How many keys with equal weights would be as uncertain as these weights are: $e^H$, or $1 / \\sum_j p_j^2$.",
        ("section", "saturation"),
    ),
    Term(
        "embedding, $x_i$",
        "The vector that stands for token $i$ before it has met the others.",
        ("section", "recap"),
        "embedding",
    ),
    Term(
        "entropy, $H$",
        "How evenly weights are spread, $-\\sum_j p_j \\ln p_j$ in nats: $\\ln n$ for equal weights, 0 for one winner.",
        ("section", "scaling"),
        "entropy",
    ),
    Term(
        "exact law",
        "What theory gives for a measured mean at this very $d_k$ and $n$, computed by integrals and not fitted.",
        ("section", "law"),
    ),
    Term(
        "freezing",
        "The passage of many keys to a state in which a few hold all the weight, at $\\sigma_c = \\sqrt{2 \\ln n}$.",
        ("equation", "freezing"),
    ),
    Term(
        "head",
        "One attention with query, key and value matrices of its own; a model has several side by side.",
        ("equation", "heads"),
    ),
    Term(
        "interval",
        "The range of values of a quantity with which the measurement is compatible, from Student’s $t$ over blocks.",
        ("section", "method"),
    ),
    Term(
        "Jacobian, $J$",
        "The matrix of all derivatives of the weights by the scores, through which every gradient to them passes.",
        ("equation", "jacobian"),
        "Jacobian",
    ),
    Term(
        "key, $k$",
        "The vector by which a token is found: a query’s score for it is their dot product.",
        ("equation", "projections"),
        "key",
    ),
    Term(
        "kurtosis",
        "The mean fourth power of a deviation over the squared variance, a measure of tails: 3 for a normal law.",
        ("equation", "kurtosis"),
    ),
    Term(
        "layer norm",
        "What brings the entries of each token to mean 0 and variance 1 before they enter a layer.",
        ("section", "initialisation"),
    ),
    Term(
        "learning rate",
        "How far a step of gradient descent goes, $\\eta$: it changes the weights by $-\\eta$ times the gradient.",
        ("section", "learning"),
    ),
    Term(
        "limit",
        "What an exact law tends to as keys are added and $\\sigma / \\sigma_c$, or $\\sigma$, stays the same.",
        ("equation", "freezing"),
    ),
    Term(
        "logits",
        "A model’s scores for what the next token may be; a softmax makes probabilities of them.",
        ("section", "trained"),
    ),
    Term(
        "loss",
        "What training makes small; of a language model, the mean of $-\\ln$ of the next token’s probability.",
        ("section", "trained"),
    ),
    Term(
        "margin",
        "The largest deviation from a prediction that would not matter, chosen with a reason before the measurement.",
        ("section", "method"),
    ),
    Term(
        "missing entropy",
        "What weights lack to the entropy of equal weights, $\\ln n - H$; $e^H / n$ is the share of effective keys.",
        ("equation", "missing-entropy"),
    ),
    Term(
        "$n$",
        "How many keys a query has to choose from: how many scores a row has.",
        ("section", "recap"),
        "n",
    ),
    Term(
        "over-scaled score",
        "A raw score divided by $d_k$ itself, which makes it the smaller, the larger $d_k$ is.",
        ("question", "divide-by-d"),
    ),
    Term(
        "query, $q$",
        "The vector by which a token asks; its dot products with all keys are the token’s row of scores.",
        ("equation", "projections"),
        "query",
    ),
    Term(
        "raw score",
        "A dot product of query and key as it is, before any division.",
        ("equation", "scores"),
    ),
    Term(
        "region",
        "The values with which a claim holds: within the margin of its prediction, or beyond a bound.",
        ("section", "method"),
    ),
    Term(
        "$\\rho$",
        "The correlation of each component of a query with the same component of its key.",
        ("question", "aligned"),
        "rho",
    ),
    Term(
        "rule",
        "What is done to dot products before the softmax: nothing, a division, a temperature, a normalisation.",
        ("table", "rules"),
    ),
    Term(
        "saturation",
        "The state of a softmax whose weight lies almost wholly on one key, so that changed scores change little.",
        ("section", "scaling"),
    ),
    Term(
        "scaled score",
        "A raw score divided by $\\sqrt{d_k}$.",
        ("equation", "weights"),
    ),
    Term(
        "$\\sigma$",
        "The standard deviation of a given query’s scores: the query’s length, or that over $\\sqrt{d_k}$ if scaled.",
        ("equation", "row-law"),
        "sigma",
    ),
    Term(
        "simultaneous",
        "Of intervals: built so wide that all of them together hold their true values with the stated probability.",
        ("section", "method"),
    ),
    Term(
        "softmax",
        "The function that turns a row of scores into positive weights of sum 1, in proportion to $e^{s_j}$.",
        ("equation", "softmax"),
    ),
    Term(
        "standard error",
        "The standard deviation of an estimate: how far it would scatter from one run to the next.",
        ("section", "method"),
    ),
    Term(
        "temperature, $T$",
        "A number by which scores are divided before the softmax; higher ones make the weights more even.",
        ("question", "temperature"),
        "temperature",
    ),
    Term(
        "token",
        "A piece of text that the model reads as one; here each is a word.",
        ("section", "recap"),
    ),
    Term(
        "$\\operatorname{tr} J$",
        "The trace of the Jacobian, $1 - \\sum_j p_j^2$: 0 where a single key has all the weight.",
        ("equation", "jacobian"),
        "trace of J",
    ),
    Term(
        "upstream gradient, $u$",
        "The derivatives of the loss by a row’s weights, as they arrive there from what follows the softmax.",
        ("equation", "chain"),
        "upstream gradient",
    ),
    Term(
        "value, $v$",
        "The vector that a token hands over to those that attend to it.",
        ("equation", "projections"),
        "value",
    ),
    Term(
        "verdict",
        "Confirmed, refuted or undecided: whether an interval lies inside its claim’s region, outside, or partly so.",
        ("section", "method"),
    ),
    Term(
        "weight, $p_{ij}$",
        "The share of token $j$’s value in token $i$’s context vector, as the softmax gives it.",
        ("equation", "softmax"),
        "weight",
    ),
    Term(
        "weight matrices, $W_q$, $W_k$, $W_v$",
        "The learned matrices that make queries, keys and values out of embeddings.",
        ("section", "matrices"),
        "weight matrices",
    ),
    Term(
        "window",
        "A stretch of a text, of as many tokens as a model reads at once; windows here do not overlap.",
        ("section", "trained"),
    ),
)
