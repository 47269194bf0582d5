"""Functions against PyTorch's, where it is installed."""

import numpy as np
import pytest

from ghostflow_learn.neural import Tensor
from ghostflow_learn.neural import functional as F

TORCH = {
    "gelu": lambda torch, x: torch.nn.functional.gelu(x),
    "mish": lambda torch, x: torch.nn.functional.mish(x),
    "swish": lambda torch, x: torch.nn.functional.silu(x),
    "selu": lambda torch, x: torch.nn.functional.selu(x),
    "softplus": lambda torch, x: torch.nn.functional.softplus(x),
    "log_softmax": lambda torch, x: torch.log_softmax(x, -1),
    "logsumexp": lambda torch, x: torch.logsumexp(x, (0, 1)),
    "std": lambda torch, x: x.std(correction=0),
}


@pytest.mark.parametrize("name", TORCH)
def test_values_and_gradients_are_pytorchs(name, rng):
    torch = pytest.importorskip("torch")
    values = rng.standard_normal((5, 4)) * 3
    ours, theirs = Tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y, z = getattr(F, name)(ours), TORCH[name](torch, theirs)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-9, atol=1e-12)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-8, atol=1e-12)
