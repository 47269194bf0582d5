"""Topics of short texts: TruncatedSVD of a sparse matrix of words, which it never makes dense."""

import inspect

import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.discovery import all_estimators

from ghostflow_learn.decomposition import TruncatedSVD

# The texts are the docstrings of scikit-learn's own estimators: at hand on every machine.
kinds = {"classifier": "tab:blue", "regressor": "tab:orange", "transformer": "tab:green"}
texts = [(kind, inspect.getdoc(cls) or "") for kind in kinds for _, cls in all_estimators(type_filter=kind)]
words = TfidfVectorizer(stop_words="english", min_df=3).fit_transform(text for _, text in texts)

svd = TruncatedSVD(n_components=5, random_state=0)
topics = svd.fit_transform(words)
print(f"{words.shape[0]} texts of {words.shape[1]} words, {words.nnz / words.shape[0]:.0f} words in each")
print(f"5 topics explain {svd.explained_variance_ratio_.sum():.1%} of the variance")

_, axes = plt.subplots(figsize=(7, 5), layout="constrained")
for kind, color in kinds.items():
    rows = [i for i, (name, _) in enumerate(texts) if name == kind]
    axes.scatter(topics[rows, 1], topics[rows, 2], c=color, s=14, label=kind)
axes.set(xlabel="second topic", ylabel="third topic")
axes.legend()
plt.show()
