import pytest
from language_models import VARIANTS, tiny_model
from training_data import SETTINGS

from ssmttm.training.optimizer import build_optimizer

SPARED = ("norm.weight", "bias", "conv_weight", "a_log", ".d", "null_condition")
DECAYED = (
    "embeddings", "heads", "caption.projection.weight", "proj.weight", "query.weight", "key_value.weight", "out.weight",
    "feedforward.0.weight", "feedforward.3.weight", "gate_value.weight",
)  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_weight_decay_is_for_matrices_of_linear_layers_and_embeddings_only(variant):
    model = tiny_model(variant)
    groups = build_optimizer(model, SETTINGS).param_groups
    assert [group["weight_decay"] for group in groups] == [SETTINGS["weight_decay"], 0.0]
    names = {id(p): n for n, p in model.named_parameters()}
    decayed, spared = ([names.pop(id(p)) for p in group["params"]] for group in groups)
    assert not names, "each parameter is in one group"
    assert [n for n in spared if not n.endswith(SPARED)] == []
    assert [n for n in decayed if n.endswith(SPARED) or not any(part in n for part in DECAYED)] == []
