"""The LSTM's relatives: later cells, and the simple recurrent network it is measured against."""

from __future__ import annotations

from carrousel.cells._contract import cell
from carrousel.cells._values import Gates, State
from carrousel.cells.math import equal, exp, logsigmoid, maximum, minimum, sigmoid, tanh, where

__all__ = ["elman", "elstm", "gru", "gru_cho", "minlstm", "slstm"]


@cell("r z n", candidates="n", split="n")
def gru(z, s, p):
    """The gated recurrent unit, the equations of ``torch.nn.GRU``. Gates in the order r z n.

    Cho et al. 2014, with the reset gate applied after the product as ``torch.nn.GRU`` does; the only state is h::

        r = sigmoid(W_r x + R_r h + b_r)        z = sigmoid(W_z x + R_z h + b_z)
        n = tanh(W_n x + b_n + r (R_n h + d_n))
        h' = (1 - z) n + z h
    """
    r, u = sigmoid(z.r), sigmoid(z.z)
    n = p.n(tanh(z.n.input + r * z.n.recurrent))
    return (1.0 - u) * n + u * s.h, State(), Gates(r=r, z=u, n=n)


@cell("r z n", candidates="n", gated="n")
def gru_cho(z, s, p):
    """The gated recurrent unit of its first paper: reset before the product. Gates in the order r z n.

    Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
    eqs. 5-8, with biases. The candidate sees what the reset gate leaves of h. The only state is h::

        r = sigmoid(W_r x + R_r h + b_r)        z = sigmoid(W_z x + R_z h + b_z)
        n = tanh(W_n x + b_n + R_n (r h) + d_n)
        h' = (1 - z) n + z h

    It is ONNX's ``GRU`` with ``linear_before_reset=0``; the cell ``gru`` is the one with 1.
    """
    r, u = sigmoid(z.r), sigmoid(z.z)
    n = p.n(tanh(z.n.input + z.n.recurrent(r * s.h)))
    return (1.0 - u) * n + u * s.h, State(), Gates(r=r, z=u, n=n)


@cell("i f z o", candidates="z", states="c n m")
def slstm(z, s, p):
    """sLSTM: exponential input gate, sigmoid forget gate, normaliser n, stabiliser m. Gates in the order i f z o.

    Beck et al. 2024, "xLSTM: extended long short-term memory". The stabiliser cancels in h, and errors flow
    through it; in the first step (n = 0) it is the input gate's pre-activation. ``i`` and ``f`` below are the
    stabilised gates::

        m' = max(log sigmoid(F) + m, I)         i = exp(I - m')      f = min(1, exp(log sigmoid(F) + m - m'))
        z = tanh(W_z x + R_z h + b_z)           o = sigmoid(W_o x + R_o h + b_o)
        c' = f c + i z      n' = f n + i        h' = o c' / n'
        with I = W_i x + R_i h + b_i and F = W_f x + R_f h + b_f
    """
    log_f = logsigmoid(z.f) + s.m
    m = where(equal(s.n, 0.0), z.i, maximum(log_f, z.i))
    # Only in the first step, where there is nothing to keep, can f be capped.
    i, f = exp(z.i - m), exp(minimum(log_f - m, 0.0))
    candidate, o = p.z(tanh(z.z)), sigmoid(z.o)
    c = f * s.c + i * candidate
    n = f * s.n + i
    return o * p.c(c / n), State(c=c, n=n, m=m), Gates(i=i, f=f, z=candidate, o=o)


@cell("f i g", candidates="g", recurrent=False)
def minlstm(z, s, p):
    """minLSTM: gates and candidate see the input alone. Gates in the order f i g.

    Feng et al. 2024, "Were RNNs all we needed?", with the positive candidate of the paper's log-space form; the
    only state is h::

        f = sigmoid(W_f x + b_f)                i = sigmoid(W_i x + b_i)
        g = G(W_g x + b_g)                      G(x) = x + 1/2 for x >= 0, else sigmoid(x)
        h' = f / (f + i) h + i / (f + i) g
    """
    g = p.g(where(z.g >= 0.0, z.g + 0.5, sigmoid(z.g)))
    # f / (f + i), where neither underflows
    ratio = logsigmoid(z.f) - logsigmoid(z.i)
    h = sigmoid(ratio) * s.h + sigmoid(-ratio) * g
    return h, State(), Gates(f=sigmoid(z.f), i=sigmoid(z.i), g=g)


@cell("f z o", candidates="z", states="c", gated="f z o")
def elstm(z, s, p):
    """eLSTM: gates see the carrousel and not h; made for ``diagonal=True``. Gates in the order f z o.

    Irie, Gopalakrishnan & Schmidhuber 2023, "Exploring the promise and limits of real-time recurrent learning"::

        f = sigmoid(W_f x + R_f c + b_f)        z = tanh(W_z x + R_z c + b_z)
        c' = f c + (1 - f) z
        o = sigmoid(W_o x + R_o c' + b_o)       h' = o c'

    In the paper R_f and R_z are vectors: each unit sees its own state alone, and the exact gradient is cheap to carry
    forward. That is ``diagonal=True``. R_o is a matrix there, for it is no part of the recurrence; with
    ``diagonal=True`` it is a vector too.
    """
    f, candidate = sigmoid(z.f.input + z.f.recurrent(s.c)), p.z(tanh(z.z.input + z.z.recurrent(s.c)))
    c = f * s.c + (1.0 - f) * candidate
    o = sigmoid(z.o.input + z.o.recurrent(c))
    return o * p.c(c), State(c=c), Gates(f=f, z=candidate, o=o)


@cell("g", candidates="g")
def elman(z, s, p, *, squash=tanh):
    """The simple recurrent network, the equations of ``torch.nn.RNN``; ``elman(squash=relu)`` for ReLU. One row g.

    Elman 1990, "Finding structure in time"; the only state is h::

        h' = tanh(W_g x + R_g h + b_g)
    """
    g = p.g(squash(z.g))
    return g, State(), Gates(g=g)
