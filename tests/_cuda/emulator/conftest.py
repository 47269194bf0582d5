import pytest

from tests._cuda import emulator, gpu


@pytest.fixture(autouse=True)
def compiler():
    if emulator.missing_tool():
        gpu.skip_outside_ci(emulator.missing_tool())
