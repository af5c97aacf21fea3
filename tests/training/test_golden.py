"""Training numbers that were written down once: what changes an update, a rate, the data's order or the score shows.

They are of CPU runs in fp32. Instruction sets (SSE, AVX2, AVX-512) and one or two threads moved them by at most 5e-7 of
their value, for sums are added in another order; `ROUNDING` is twenty times that. The settings below move a loss by
half a per cent and more.
"""

import pytest

from flopscape.plugins.prepare import prepare_dataset
from flopscape.training.command import train
from tests.training.conftest import BIGRAM

ROUNDING = 1e-5
DIGITS = {"plugin": "flopscape.plugins.digits:Digits"}
OF_CURVE = {"curve_points": 4, "curve_heldout_points": 0}

# Settings, mean training loss of each quarter of 40 steps, held-out loss and its standard error.
TEXT = {
    "defaults": ({}, [4.180807, 2.826280, 2.214467, 1.833735], 1.744752, 0.008652392),
    "cosine": ({"schedule": "cosine"}, [4.183627, 2.885534, 2.422703, 2.257305], 2.222312, 0.006172577),
    "constant": ({"schedule": "constant"}, [4.180807, 2.826280, 2.214467, 1.808597], 1.638258, 0.009001322),
    "warm-up in units": ({"warmup_units": 1280}, [4.505070, 3.118753, 2.382554, 1.963860], 1.866413, 0.007754427),
    "other betas": ({"beta1": 0.5, "beta2": 0.9}, [4.117863, 2.775963, 2.154087, 1.760252], 1.662206, 0.008699567),
    "weight decay": ({"weight_decay": 2.0}, [4.207641, 2.940085, 2.421125, 2.136946], 2.070478, 0.006709441),
    "clipped": ({"gradient_clip": 0.1}, [4.180723, 2.809316, 2.157563, 1.748867], 1.652959, 0.008997884),
    "by width": (
        {"learning_rate_scaling": "width", "base_width": 8},
        [4.511608, 3.512969, 2.878436, 2.547873], 2.472642, 0.006216140,
    ),
    "µP with decay": (
        {"learning_rate_scaling": "mup", "base_width": 8, "weight_decay": 0.5},
        [4.514355, 3.542407, 2.930519, 2.620718], 2.552169, 0.006045624,
    ),
}  # fmt: skip
IMAGES = {
    "MLP": ("mlp:MLP", {}, [2.188000, 1.684784, 1.135249, 0.737061], 0.656703, 0.02369694),
    "ViT": ("vit:ViT", {}, [2.015962, 1.118489, 0.825571, 0.610667], 0.580006, 0.02471492),
    "ViT, attention": (
        "vit:ViT", {"pooling": "attention"}, [2.295676, 2.226207, 2.114082, 2.014598], 1.961925, 0.01413037,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits") / "data"
    prepare_dataset(DIGITS, folder)
    return folder


@pytest.mark.parametrize("recipe", TEXT)
def test_a_recipe_on_text_gives_its_golden_number(recipe, text, make_spec, tmp_path):
    settings, curve, loss, error = TEXT[recipe]
    spec = make_spec(OF_CURVE | settings, size={"width": 16, "depth": 1})
    record = train(spec, tmp_path / "run.json", text[0])
    assert record.curve.train_loss == pytest.approx(curve, rel=ROUNDING)
    assert (record.loss, record.loss_se) == pytest.approx((loss, error), rel=ROUNDING)


@pytest.mark.parametrize("model", IMAGES)
def test_an_image_model_gives_its_golden_number(model, digits, tmp_path):
    plugin, kwargs, curve, loss, error = IMAGES[model]
    spec = {
        "model": {"plugin": f"flopscape.plugins.{plugin}"} | ({"kwargs": kwargs} if kwargs else {}),
        "size": {"width": 16, "depth": 1}, "dataset": DIGITS, "n_tokens": 40 * 32, "seed": 0, "recipe": 1,
        "loss": {"plugin": "flopscape.plugins.losses:Classification"},
        "training": OF_CURVE | {"batch_units": 32, "learning_rate": 0.005, "heldout_units": 0},
    }  # fmt: skip
    record = train(spec, tmp_path / "run.json", digits)
    assert record.curve.train_loss == pytest.approx(curve, rel=ROUNDING)
    assert (record.loss, record.loss_se) == pytest.approx((loss, error), rel=ROUNDING)


@pytest.mark.parametrize(("units", "losses"), [(1024, [3.215040, 2.425570]), (2048, [3.219323, 2.429236])])
def test_the_curve_is_scored_on_its_own_part_of_the_held_out_set(units, losses, text, make_spec, tmp_path):
    training = {"curve_points": 4, "curve_heldout_points": 4, "curve_heldout_units": units}
    curve = train(make_spec(training, size={"width": 16, "depth": 1}), tmp_path / "run.json", text[0]).curve
    assert curve.heldout_loss[:2] == pytest.approx(losses, rel=ROUNDING)
    assert curve.heldout_loss[2:] == [None, pytest.approx(1.744752, rel=ROUNDING)]


RANDOM = BIGRAM.replace("torch.nn.init.zeros_(module.weight)", "module.weight.data.normal_()")


def test_a_model_that_asks_torch_for_its_random_numbers_has_those_of_its_seed(text, make_spec, users_module, tmp_path):
    """The rate is so small that the held-out loss is nearly that of the first parameters, whatever the data's order."""
    users_module("my_random", RANDOM)
    training = {"learning_rate": 1e-5, "heldout_units": 0, "curve_heldout_units": 0}
    losses = []
    for number, seed in enumerate((3, 4, 3)):
        spec = make_spec(training, model={"plugin": "my_random:Bigram"}, size={}, seed=seed)
        losses.append(train(spec, tmp_path / f"{number}.json", text[0]).loss)
    assert losses[0] == losses[2]
    assert abs(losses[0] - losses[1]) > 0.01
