"""Published optima beside a study's own, against the numbers that their papers print."""

import pytest

from flopscape.answers.compare import OPTIMA

BY_NAME = {law.name: law for law in OPTIMA}


@pytest.mark.parametrize(
    ("name", "flops", "n_params", "within"),
    [
        # Table 3 of Hoffmann et al. 2022: a trillion parameters at 1.27e26.
        ("Hoffmann et al. 2022, approach 1", 1.27e26, 1e12, 0.05),
        # Its figure 1 and section 3.4: 40 billion at Gopher's compute.
        ("Hoffmann et al. 2022, approach 3", 5.76e23, 40e9, 0.25),
        # Besiroglu et al. 2024 find that some 20 tokens a parameter are right at Chinchilla's compute.
        ("Besiroglu et al. 2024, approach 3", 5.76e23, 70e9, 0.1),
        ("Grattafiori et al. 2024 (Llama 3)", 3.8e25, 402e9, 1e-9),
    ],
)
def test_published_sizes_are_those_that_the_papers_print(name, flops, n_params, within):
    assert BY_NAME[name].n_params(flops) == pytest.approx(n_params, rel=within)


def test_llama_3_is_trained_on_as_many_tokens_as_its_paper_says():
    tokens = BY_NAME["Grattafiori et al. 2024 (Llama 3)"].tokens_per_param(402e9) * 402e9
    assert tokens == pytest.approx(16.55e12, rel=0.06)


@pytest.mark.parametrize("law", OPTIMA, ids=lambda law: law.name)
def test_the_data_of_a_size_are_what_its_compute_pays_for(law):
    flops = 6 * 1e9**2 * law.tokens_per_param(1e9)
    assert law.n_params(flops) == pytest.approx(1e9, rel=1e-9)
