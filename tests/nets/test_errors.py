"""Every wrong option is refused, and the message names it."""

import math

import pytest
from configurations import H, I

import carrousel

WRONG = [
    ({"cell": "lsmt"}, ValueError, "unknown cell 'lsmt'; did you mean 'lstm'"),
    ({"cell": None}, TypeError, "a cell is a name"),
    ({"forget_bias": "1"}, ValueError, "forget_bias should be a finite number"),
    ({"forget_bias": math.inf}, ValueError, "forget_bias should be a finite number"),
    ({"forget_bias": True}, ValueError, "forget_bias should be a finite number"),
    ({"forget_bias": 1.0, "bias": False}, ValueError, "forget_bias needs bias=True"),
    ({"forget_bias": 1.0, "cell": "gru"}, ValueError, "forget_bias: cell 'gru' has no forget gate"),
    ({"forget_bias": 1.0, "cell": "coupled"}, ValueError, "forget_bias: cell 'coupled' has no forget gate"),
    ({"layer_norm": 1}, TypeError, "layer_norm should be of type bool"),
    ({"layer_norm": "false"}, TypeError, "layer_norm should be of type bool"),
    ({"recurrent_dropout": 1.0}, ValueError, r"recurrent_dropout should be a number in range \[0, 1\)"),
    ({"recurrent_dropout": -0.1}, ValueError, "recurrent_dropout"),
    ({"recurrent_dropout": True}, ValueError, "recurrent_dropout"),
    ({"recurrent_dropout": None}, ValueError, "recurrent_dropout"),
    ({"recurrent_dropout": "candidate"}, ValueError, "recurrent_dropout"),
    ({"recurrent_dropout": ("candidate",)}, ValueError, "recurrent_dropout should be a rate, "),
    ({"recurrent_dropout": ("candidate", 0.1, 0.2)}, ValueError, "recurrent_dropout should be a rate, "),
    ({"recurrent_dropout": ("candidates", 0.1)}, ValueError, "recurrent_dropout should be a rate, "),
    ({"recurrent_dropout": ("candidate", 1.5)}, ValueError, "recurrent_dropout"),
    ({"recurrent_dropout": 0.1, "cell": "minlstm"}, ValueError, "recurrent_dropout: cell 'minlstm' has no recurrent"),
    ({"zoneout": 1.1}, ValueError, r"zoneout should be a number in range \[0, 1\]"),
    ({"zoneout": math.nan}, ValueError, "zoneout"),
    ({"zoneout": None}, ValueError, "zoneout"),
    ({"zoneout": (0.1,)}, ValueError, "zoneout should be a rate or a pair"),
    ({"zoneout": (0.1, 0.1, 0.1)}, ValueError, "zoneout should be a rate or a pair"),
    ({"zoneout": (0.1, "c")}, ValueError, "zoneout"),
    ({"zoneout": (0.1, 0.1), "cell": "gru"}, ValueError, "zoneout: cell 'gru' has no states besides h"),
    ({"zoneout": (0.1, 0.1), "cell": "slstm"}, ValueError, "zoneout: cell 'slstm' has 3 states besides h"),
    ({"block_size": 3}, ValueError, "block_size 3 does not divide hidden_size 4"),
    ({"block_size": 0}, ValueError, "block_size must be greater than zero"),
    ({"block_size": 2.0}, TypeError, "block_size should be of type int"),
    ({"block_size": 2, "cell": "elman"}, ValueError, "block_size: cell 'elman' has no gates"),
    ({"gate_recurrence": True}, ValueError, "gate_recurrence should be None, 'gates' or 'all', got True"),
    ({"gate_recurrence": "some"}, ValueError, "gate_recurrence should be"),
    ({"gate_recurrence": "all", "cell": "minlstm"}, ValueError, "gate_recurrence: cell 'minlstm' has no recurrent"),
    ({"gate_recurrence": "all", "cell": "elman"}, ValueError, "gate_recurrence: cell 'elman' has no gates"),
    ({"heads": 3}, ValueError, "heads 3 does not divide the output's size, 4"),
    ({"heads": 4, "block_size": 2}, ValueError, "heads 4 does not divide the size of row 'i', 2"),
    ({"heads": 0}, ValueError, "heads must be greater than zero"),
    ({"heads": "2"}, TypeError, "heads should be of type int"),
    ({"heads": 2, "cell": "minlstm"}, ValueError, "heads: cell 'minlstm' has no recurrent part"),
    ({"diagonal": 1}, TypeError, "diagonal should be of type bool"),
    ({"diagonal": True, "cell": "minlstm"}, ValueError, "diagonal: cell 'minlstm' has no recurrent part"),
    ({"diagonal": True, "heads": 2}, ValueError, "diagonal recurrence does not go together with heads"),
    ({"diagonal": True, "block_size": 2}, ValueError, "diagonal recurrence does not go together with block_size"),
    ({"init": "normal"}, ValueError, "init should be 'uniform', 'orthogonal' or a positive number, got 'normal'"),
    ({"init": 0.0}, ValueError, "init should be"),
    ({"init": -0.1}, ValueError, "init should be"),
    ({"init": math.inf}, ValueError, "init should be"),
    ({"init": True}, ValueError, "init should be"),
    ({"init": None}, ValueError, "init should be"),
    ({"init": "orthogonal", "diagonal": True}, ValueError, "init='orthogonal' needs a recurrent weight matrix"),
    ({"init": "orthogonal", "cell": "minlstm"}, ValueError, "init='orthogonal' needs a recurrent weight matrix"),
    ({"depth": 3}, TypeError, "depth"),
]

WRONG_OF_THE_NETWORK = [
    ({"proj_size": 2.0}, TypeError, "proj_size should be of type int, got: float"),
    ({"proj_size": 2, "cell": "gru"}, ValueError, "proj_size: cell 'gru' reads its own output"),
    ({"proj_size": 2, "cell": "minlstm"}, ValueError, "proj_size: cell 'minlstm' reads its own output"),
    ({"proj_size": 2, "diagonal": True}, ValueError, "diagonal recurrence does not go together with proj_size"),
    ({"proj_size": 3, "heads": 2}, ValueError, "heads 2 does not divide the output's size, 3"),
    ({"bidirectional": "both"}, TypeError, "bidirectional should be of type bool"),
    ({"bidirectional": None}, TypeError, "bidirectional should be of type bool"),
    ({"num_layers": 1.5}, TypeError, "num_layers should be of type int"),
    ({"num_layers": True}, TypeError, "num_layers should be of type int"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG + WRONG_OF_THE_NETWORK, ids=str)
def test_network(options, error, message) -> None:
    with pytest.raises(error, match=message):
        carrousel.LSTM(I, H, **options)


@pytest.mark.parametrize(("options", "error", "message"), WRONG, ids=str)
def test_cell(options, error, message) -> None:
    with pytest.raises(error, match=message):
        carrousel.LSTMCell(I, H, **options)


def test_positional_arguments_end_where_torchs_end() -> None:
    with pytest.raises(TypeError):
        carrousel.LSTM(I, H, 1, True, False, 0.0, False, 0, None, None, "gru")
    with pytest.raises(TypeError):
        carrousel.LSTMCell(I, H, True, None, None, "gru")
