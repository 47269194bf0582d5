"""The three engines export the same ops with the same signatures; the reference says what each means."""

import ast
from pathlib import Path

import pytest

import ghostflow_learn

ENGINES = Path(ghostflow_learn.__file__).parent / "_engine"
FAMILIES = sorted(path.stem for path in (ENGINES / "reference").glob("[!_]*.py"))


def ops_of(engine, family):
    """name -> signature as text, or ``None`` for an op that is defined elsewhere: on the CPU, or for all engines."""
    tree = ast.parse((ENGINES / engine / f"{family}.py").read_text())
    found = dict.fromkeys(reexported(tree))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not is_kernel(node):
            found[node.name] = ast.unparse(node.args).replace("cp.", "np.")
        elif isinstance(node, ast.Assign) and bridged_op(node) is not None:
            (target,) = node.targets
            assert bridged_op(node) == f"{family}.{target.id}", f"{family}.{target.id} goes to another op on the CPU"
            found[target.id] = None
    return found


def reexported(tree):
    """Imported names that `__all__` lists."""
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    listed = [node.value for node in assigned if ast.unparse(node.targets[0]) == "__all__"]
    names = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    return names & set(ast.literal_eval(listed[0])) if listed else set()


def is_kernel(node):
    return any("kernel" in ast.unparse(decorator) for decorator in node.decorator_list)


def bridged_op(node):
    call = node.value
    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "on_cpu":
        return ast.literal_eval(call.args[0])
    return None


@pytest.mark.parametrize("engine", ["cpu", "cuda"])
def test_each_engine_has_the_families_of_the_reference(engine):
    assert sorted(path.stem for path in (ENGINES / engine).glob("[!_]*.py")) == FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("engine", ["cpu", "cuda"])
def test_ops_and_signatures_are_those_of_the_reference(engine, family):
    contract, ops = ops_of("reference", family), ops_of(engine, family)
    assert contract, f"no op was found in reference/{family}.py"
    assert sorted(ops) == sorted(contract)
    differing = {name: args for name, args in ops.items() if args is not None and args != contract[name]}
    assert not differing, f"the reference has { ({name: contract[name] for name in differing}) }"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_docstrings_of_ops_are_in_the_reference_alone(family):
    for engine in "reference", "cpu", "cuda":
        tree = ast.parse((ENGINES / engine / f"{family}.py").read_text())
        ops = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
        for op in (node for node in ops if not is_kernel(node)):
            documented = ast.get_docstring(op) is not None
            assert documented == (engine == "reference"), f"{engine}/{family}.py: {op.name}"
