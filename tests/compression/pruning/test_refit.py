import torch

from compression.pruning.refit import Gram, refitted, relative_error

WEIGHT = torch.tensor([[1.0, 2.0, 3.0]])
KEPT = torch.tensor([0, 2])


def gram_of(inputs: torch.Tensor) -> torch.Tensor:
    gram, module = Gram(), torch.nn.Identity()
    for part in inputs.split(2):
        gram.observe(module, part)
    return gram.of(module)


def test_gram_is_the_mean_over_all_tokens() -> None:
    """Of (1, 2) and (3, 0) and (2, 1): sums [[14, 4], [4, 5]]."""
    gram = gram_of(torch.tensor([[1.0, 2.0], [3.0, 0.0], [2.0, 1.0]]))
    assert torch.allclose(gram * 3, torch.tensor([[14.0, 4.0], [4.0, 5.0]], dtype=torch.float64))


def test_removed_input_that_repeats_a_kept_one_is_taken_over_by_it() -> None:
    """Input 1 is twice input 0: its weight 2 adds 4 to that of input 0."""
    rows = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0], [3.0, 6.0, 1.0]])
    new = refitted(WEIGHT, gram_of(rows), KEPT, ridge=1e-9)
    assert torch.allclose(new, torch.tensor([[5.0, 3.0]], dtype=torch.float64), atol=1e-6)
    assert relative_error(WEIGHT, gram_of(rows), KEPT, new) < 1e-12


def test_ridge_draws_towards_the_old_weights() -> None:
    rows = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    new = refitted(WEIGHT, gram_of(rows), KEPT, ridge=1e9)
    assert torch.allclose(new, WEIGHT[:, KEPT].double(), atol=1e-6)


def test_removed_input_that_is_never_there_changes_nothing() -> None:
    rows = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    rows[:, 1] = 0
    new = refitted(WEIGHT, gram_of(rows), KEPT, ridge=0.1)
    assert torch.equal(new, WEIGHT[:, KEPT].double())


def test_refit_lowers_the_error_on_the_text_itself_and_on_text_like_it() -> None:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(16, 32, generator=generator)
    seen, unseen = (torch.randn(400, 16, generator=generator) @ mixing for _ in range(2))
    weight, kept = torch.randn(8, 32, generator=generator), torch.arange(20)
    new = refitted(weight, gram_of(seen), kept, ridge=1e-3)
    for rows in (seen, unseen):
        cut = relative_error(weight, gram_of(rows), kept, weight[:, kept])
        assert relative_error(weight, gram_of(rows), kept, new) < 0.1 * cut


def test_error_is_the_lost_share_of_the_output() -> None:
    """Independent inputs of mean square 1: of 1 + 4 + 9 the middle one is lost."""
    gram = torch.eye(3, dtype=torch.float64)
    assert relative_error(WEIGHT, gram, KEPT, WEIGHT[:, KEPT]) == 4 / 14
