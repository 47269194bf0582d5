from .._boosting import assemble
from ._bridge import on_cpu

__all__ = ["assemble", "gradients", "grow", "leaf_quantiles", "loss", "predict", "predict_bins", "update"]

loss = on_cpu("boosting.loss")
gradients = on_cpu("boosting.gradients")
grow = on_cpu("boosting.grow")
leaf_quantiles = on_cpu("boosting.leaf_quantiles")
update = on_cpu("boosting.update")
predict_bins = on_cpu("boosting.predict_bins")

predict = on_cpu("boosting.predict")
