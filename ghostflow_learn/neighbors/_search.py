"""The nearest samples of queries, and those within a radius."""

from collections import namedtuple
from numbers import Integral

import numpy as np
from scipy.sparse import csr_array, issparse

from .._engine import get_engine
from .._validation import check_is_fitted, check_predict, threads_for
from .._validation._neighbors import (
    ScikitLearnKNeighborsMixin,
    ScikitLearnRadiusNeighborsMixin,
    as_sparse_interface,
    host_engine,
)
from ._base import METRICS

# engine  : where the arrays live
# dists   : (n_queries, n_neighbors) float64  ascending
# indices : (n_queries, n_neighbors) int64
Found = namedtuple("Found", "engine dists indices")

RADIUS = "the search within a radius"


class KNeighborsMixin(ScikitLearnKNeighborsMixin):
    """Searches for a number of neighbours; also scikit-learn's mixin, which its functions and others ask for."""

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """The nearest training samples of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            For ``metric="precomputed"`` distances, of shape (n_queries, n_samples_fit). If not given, the queries are
            the training samples, and none is its own neighbour.
        n_neighbors : int, default=None
            That of the constructor if not given.
        return_distance : bool, default=True

        Returns
        -------
        neigh_dist : array of shape (n_queries, n_neighbors)
            Distances in ascending order; only with `return_distance`.
        neigh_ind : array of shape (n_queries, n_neighbors)
            Positions of the neighbours in the training data. Of samples as far, the first come first.

        Raises
        ------
        ValueError
            If fewer samples were fitted than there should be neighbours.
        """
        found = self._nearest(X, n_neighbors)
        indices = found.engine.hand_back(found.indices, like=X)
        return (found.engine.hand_back(found.dists, like=X), indices) if return_distance else indices

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """Graph that connects each query with its nearest training samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            See :meth:`kneighbors`.
        n_neighbors : int, default=None
            That of the constructor if not given.
        mode : {"connectivity", "distance"}, default="connectivity"
            Edges are ones, or distances.

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), CSR
            In host memory.

        Raises
        ------
        ValueError
            If `mode` is another one, or there are too few samples.
        """
        _check_mode(mode)
        engine, dists, indices = self._nearest(X, n_neighbors)
        dists, indices = engine.to_numpy(dists), engine.to_numpy(indices)
        data = dists.ravel() if mode == "distance" else np.ones(indices.size)
        indptr = np.arange(0, indices.size + 1, indices.shape[1])
        return _graph(data, indices.ravel(), indptr, self.n_samples_fit_)

    def _nearest(self, X, n_neighbors=None):
        """What :data:`Found` holds for the queries `X`."""
        check_is_fitted(self)
        n_neighbors = _checked_number(self.n_neighbors if n_neighbors is None else n_neighbors)
        queries = self._check_queries(X)
        if not self._searches_with_kernels(queries):
            engine = host_engine(queries, f"metric={self.effective_metric_!r}")
            with threads_for(self.n_jobs):
                return Found(engine, *self._host_search().kneighbors(_host_array(engine, queries), n_neighbors))
        engine = get_engine(self._fit_X if queries is None else queries)
        self._check_enough(n_neighbors, queries)
        with threads_for(self.n_jobs):
            if queries is not None:
                return Found(engine, *self._search_nearest(engine, engine.asarray(queries), n_neighbors))
            found = self._search_nearest(engine, engine.asarray(self._fit_X), n_neighbors + 1)
            return Found(engine, *_without_oneself(engine, *found))

    def _search_nearest(self, engine, queries, n_neighbors):
        metric = METRICS[self.effective_metric_]
        index = self._index(engine)
        if self._searches_tree(engine):
            return engine.neighbors.nearest_in_tree(index, queries, n_neighbors, metric)
        dtype = np.result_type(index.dtype, queries.dtype)
        index, queries = index.astype(dtype, copy=False), queries.astype(dtype, copy=False)
        return engine.neighbors.nearest(index, queries, n_neighbors, metric)

    def _check_enough(self, n_neighbors, queries):
        itself = queries is None
        if n_neighbors + itself <= self.n_samples_fit_:
            return
        n_queries = self.n_samples_fit_ if itself else queries.shape[0]
        raise ValueError(
            f"Expected n_neighbors {'<' if itself else '<='} n_samples_fit, but n_neighbors = {n_neighbors}, "
            f"n_samples_fit = {self.n_samples_fit_}, n_samples = {n_queries}. Lower n_neighbors."
        )

    def _check_queries(self, X):
        if X is None or (issparse(X) and isinstance(self.metric, str) and self.metric == "precomputed"):
            return X  # scikit-learn's code checks a graph, in its own format
        return check_predict(self, X, **self._checks())

    def _searches_with_kernels(self, queries):
        fitted_on_tree = not hasattr(self, "n_features_in_")
        known = isinstance(self.effective_metric_, str) and self.effective_metric_ in METRICS
        sparse = issparse(self._fit_X) or issparse(queries)
        return known and not self.effective_metric_params_ and not sparse and not fitted_on_tree


class RadiusNeighborsMixin(ScikitLearnRadiusNeighborsMixin):
    """Searches for all neighbours within a radius, by scikit-learn's own code."""

    def radius_neighbors(self, X=None, radius=None, return_distance=True, sort_results=False):
        """The training samples within a radius of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            For ``metric="precomputed"`` distances, of shape (n_queries, n_samples_fit). If not given, the queries are
            the training samples, and none is its own neighbour.
        radius : float, default=None
            In the units of the metric; that of the constructor if not given. Samples as far as this belong to it.
        return_distance : bool, default=True
        sort_results : bool, default=False
            Whether neighbours come in ascending order of their distances.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries,) of arrays
            Distances; only with `return_distance`.
        neigh_ind : ndarray of shape (n_queries,) of arrays
            Positions of the neighbours in the training data.

        Raises
        ------
        ValueError
            If results without distances are to be sorted.
        """
        check_is_fitted(self)
        queries = self._check_queries(X)
        engine = host_engine(queries, RADIUS)
        radius = self.radius if radius is None else radius
        return self._host_search().radius_neighbors(_host_array(engine, queries), radius, return_distance, sort_results)

    def radius_neighbors_graph(self, X=None, radius=None, mode="connectivity", sort_results=False):
        """Graph that connects each query with the training samples within a radius.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), default=None
            See :meth:`radius_neighbors`.
        radius : float, default=None
            That of the constructor if not given.
        mode : {"connectivity", "distance"}, default="connectivity"
            Edges are ones, or distances.
        sort_results : bool, default=False
            Whether the edges of a query come in ascending order; only used with ``mode="distance"``.

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), CSR

        Raises
        ------
        ValueError
            If `mode` is another one.
        """
        check_is_fitted(self)
        _check_mode(mode)
        if mode == "distance":
            dists, indices = self.radius_neighbors(X, radius, sort_results=sort_results)
            data = np.concatenate(list(dists))
        else:
            indices = self.radius_neighbors(X, radius, return_distance=False)
            data = np.ones(sum(map(len, indices)))
        indptr = np.concatenate(([0], np.cumsum([len(of_query) for of_query in indices])))
        return _graph(data, np.concatenate(list(indices)), indptr, self.n_samples_fit_)


def _checked_number(n_neighbors):
    if n_neighbors <= 0:
        raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors:d}")
    if not isinstance(n_neighbors, Integral):
        raise TypeError(f"n_neighbors does not take {type(n_neighbors)} value, enter integer value")
    return n_neighbors


def _check_mode(mode):
    if mode not in ("connectivity", "distance"):
        raise ValueError(f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead')


def _host_array(engine, queries):
    return queries if queries is None or issparse(queries) else engine.to_numpy(queries)


def _without_oneself(engine, dists, indices):
    """Each sample's neighbours but itself, or but the first where more duplicates came before it."""
    xp = engine.xp
    n_queries, n_found = indices.shape
    others = indices != xp.arange(n_queries)[:, None]
    others[:, 0] &= ~others.all(axis=1)
    shape = n_queries, n_found - 1
    return dists[others].reshape(shape), indices[others].reshape(shape)


def _graph(data, indices, indptr, n_samples):
    return as_sparse_interface(csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_samples)))
