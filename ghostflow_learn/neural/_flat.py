"""The flat arrays: all parameters of a module in one array, their gradients in a second."""

KINDS = ("weight", "bias", "norm")
ALIGNMENT = 16  # elements: 64 bytes of float32, so that views start where vector loads and GEMMs like it


def pack_arrays(module, engine=None):
    """Make each parameter of `module` a view of ``module.flat``, with a slot in ``module.flat_grad``."""
    parameters = module.parameters()
    _check(module, parameters)
    engine = engine or parameters[0].engine
    spans, size = _spans(parameters)
    dtype = parameters[0].dtype
    flat, flat_grad = engine.xp.zeros(size, dtype), engine.xp.zeros(size, dtype)
    for parameter, span in zip(parameters, spans):
        values, had_grad = parameter.data, parameter.grad
        parameter.engine, parameter.span, parameter.home = engine, span, flat_grad
        parameter.data = flat[span].reshape(values.shape)
        parameter.data[...] = engine.asarray(values)
        parameter.slot, parameter.grad = flat_grad[span].reshape(values.shape), None
        if had_grad is not None:
            parameter.receive(engine.asarray(had_grad))
    for buffer in module.buffers():
        buffer.data, buffer.engine = engine.asarray(buffer.data), engine
    module.flat, module.flat_grad, module._packed = flat, flat_grad, parameters


def _spans(parameters):
    """Each parameter's slice: kinds side by side, so that a group of one kind is one range."""
    spans, start = [None] * len(parameters), 0
    for i in sorted(range(len(parameters)), key=lambda i: KINDS.index(parameters[i].kind)):
        spans[i] = slice(start, start + parameters[i].size)
        start += -(-parameters[i].size // ALIGNMENT) * ALIGNMENT
    return spans, start


def _check(module, parameters):
    unbuilt = [name or type(m).__name__ for name, m in module.named_modules() if not m._built and m._builds]
    if unbuilt:
        raise RuntimeError(
            f"pack() needs every parameter, but these have not been called yet: {', '.join(unbuilt)}. "
            "Call the module once with a batch first."
        )
    if not parameters:
        raise ValueError(f"{type(module).__name__} has no parameters to pack.")
    dtypes = sorted({str(parameter.dtype) for parameter in parameters})
    if len(dtypes) > 1:
        raise TypeError(f"pack() needs parameters of one dtype; got {', '.join(dtypes)}.")
