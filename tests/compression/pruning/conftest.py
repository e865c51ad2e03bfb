import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Matrices this small are not worth a second one."""
    torch.set_num_threads(1)
