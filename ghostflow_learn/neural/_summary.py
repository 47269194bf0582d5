"""The table that `Module.summary` returns."""

from ._modes import no_grad


def table(module, inputs):
    """Run `module` on `inputs` in inference mode, and lay out name, output shape and parameters of each module."""
    training = [(m, m.training) for m in module.modules()]
    rows, removers = {}, []

    def note(m, _, output):
        rows.setdefault(id(m), _shape(output))

    try:
        module.eval()
        removers += [m.register_forward_hook(note) for m in module.modules()]
        with no_grad():
            module(*inputs)
    finally:
        for remove in removers:
            remove()
        for m, mode in training:
            m.training = mode
    return _laid_out(module, rows)


def _laid_out(module, rows):
    lines = [("module", "output", "parameters")]
    for name, m in module.named_modules():
        label, own = f"  {name}: " if name else "", _own_parameters(m)
        lines.append((label + type(m).__name__, rows.get(id(m), "-"), f"{own:,}" if own else ""))
    lines.append(("total", "", f"{sum(p.size for p in module.parameters()):,}"))
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in lines)


def _own_parameters(module):
    """How many numbers belong to this module and to none inside it."""
    inside = {id(p) for m in module.modules()[1:] for p in m.parameters()}
    return sum(p.size for p in module.parameters() if id(p) not in inside)


def _shape(output):
    if isinstance(output, (list, tuple)):
        return ", ".join(_shape(part) for part in output)
    return str(tuple(output.shape))
