import pytest

from compression.listing import recipe_table
from compression.recipes import RECIPES
from compression.serving_support import Hardware, refusal

CPU, OLD_CPU, AMPERE, HOPPER, BLACKWELL = (
    *(Hardware(None), Hardware(None, has_avx512=False)),
    *(Hardware((8, 0)), Hardware((9, 0)), Hardware((10, 0))),
)


@pytest.mark.parametrize(
    ("name", "served_on"),
    [
        ("w8a8", (CPU, OLD_CPU, AMPERE, HOPPER)),
        ("w4a16-awq", (CPU, AMPERE, HOPPER, BLACKWELL)),
        ("fp8-dynamic", (AMPERE, HOPPER, BLACKWELL)),
        ("nvfp4", (AMPERE, HOPPER, BLACKWELL)),
        ("kv-cache-fp8", (CPU, HOPPER, BLACKWELL)),
        ("prune-25-heal", (CPU, OLD_CPU, AMPERE, HOPPER, BLACKWELL)),
        ("prune-25-heal-w8a8", (CPU, OLD_CPU, AMPERE, HOPPER)),
    ],
)
def test_recipes_are_refused_where_vllm_would_not_serve_them(
    name: str, served_on: tuple[Hardware, ...]
) -> None:
    everywhere = (CPU, OLD_CPU, AMPERE, HOPPER, BLACKWELL)
    assert tuple(one for one in everywhere if refusal(RECIPES[name], one) is None) == served_on


def test_refusal_says_step_hardware_and_limit() -> None:
    assert refusal(RECIPES["w8a8"], Hardware((7, 0))) == (
        "w8a8 cannot be served on an NVIDIA GPU of compute capability 7.0: "
        "vLLM needs compute capability 7.5 or more"
    )
    assert refusal(RECIPES["w4a16-awq"], OLD_CPU) == (
        "w4a16 cannot be served on a CPU: vLLM's kernel for it needs AVX-512, which this one lacks"
    )
    assert refusal(RECIPES["prune-25-heal-w8a8"], BLACKWELL) == (
        "w8a8 cannot be served on an NVIDIA GPU of compute capability 10.0: "
        "vLLM needs a compute capability below 10.0"
    )


def test_table_has_a_line_for_each_recipe() -> None:
    head, *lines = recipe_table(CPU, None).splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert head.endswith("bytes of linear layers")
    by_name = {line.split()[0]: line for line in lines}
    assert by_name["w8a8"].endswith("CPU, GPU from 7.5 to below 10.0  yes   0.50 ×")
    assert by_name["nvfp4"].endswith("GPU from 7.5                     no    0.28 ×")
