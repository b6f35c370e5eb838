"""The LSTM cells of the papers from 1997 to 2005, and what is written today as LSTM."""

from __future__ import annotations

from carrousel.cells._contract import cell
from carrousel.cells._values import Gates, State
from carrousel.cells.math import identity, sigmoid, sigmoid_pm1, sigmoid_pm2, tanh

__all__ = ["gers2002", "lstm", "original", "peephole"]


@cell("i f g o", candidates="g", states="c")
def lstm(z, s, p):
    """LSTM with forget gates, the equations of ``torch.nn.LSTM``. Gates in the order i f g o.

    Gers, Schmidhuber & Cummins 2000, "Learning to forget", with tanh for both squashing functions::

        i = sigmoid(W_i x + R_i h + b_i)        f = sigmoid(W_f x + R_f h + b_f)
        g = tanh(W_g x + R_g h + b_g)           o = sigmoid(W_o x + R_o h + b_o)
        c' = f c + i g                          h' = o tanh(c')
    """
    i, f, g, o = sigmoid(z.i), sigmoid(z.f), p.g(tanh(z.g)), sigmoid(z.o)
    c = f * s.c + i * g
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, f=f, g=g, o=o)


@cell("i g o", candidates="g", states="c")
def original(z, s, p, *, input_squash=sigmoid_pm2, output_squash=sigmoid_pm1):
    """The cell of the first paper: no forget gate, the carrousel never decays. Gates in the order i g o.

    Hochreiter & Schmidhuber 1997, "Long short-term memory". The paper calls the squashing functions g and h;
    experiment 2 uses ``original(input_squash=sigmoid, output_squash=identity)``::

        i = sigmoid(W_i x + R_i h + b_i)        o = sigmoid(W_o x + R_o h + b_o)
        g = 4 sigmoid(W_g x + R_g h + b_g) - 2
        c' = c + i g                            h' = o (2 sigmoid(c') - 1)
    """
    i, g, o = sigmoid(z.i), p.g(input_squash(z.g)), sigmoid(z.o)
    c = s.c + i * g
    return o * output_squash(p.c(c)), State(c=c), Gates(i=i, g=g, o=o)


@cell("i f g o", candidates="g", states="c", peepholes="i f o")
def peephole(z, s, p):
    """Vanilla LSTM: all gates see the carrousel. Gates in the order i f g o, peepholes i f o.

    Gers & Schmidhuber 2000, "Recurrent nets that time and count", with tanh squashing as in Graves & Schmidhuber
    2005; the vanilla LSTM of Greff et al. 2015. Input and forget gate see the old state, the output gate the new::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        f = sigmoid(W_f x + R_f h + p_f c + b_f)
        g = tanh(W_g x + R_g h + b_g)                   c' = f c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o tanh(c')
    """
    i, f, g = sigmoid(z.i + p.i(s.c)), sigmoid(z.f + p.f(s.c)), p.g(tanh(z.g))
    c = f * s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, f=f, g=g, o=o)


@cell("i f g o", candidates="g", states="c", peepholes="i f o")
def gers2002(z, s, p, *, input_squash=identity, output_squash=identity):
    """The timing paper's cell: peepholes and no squashing. Gates in the order i f g o, peepholes i f o.

    Gers, Schraudolph & Schmidhuber 2002, "Learning precise timing with LSTM recurrent networks"::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        f = sigmoid(W_f x + R_f h + p_f c + b_f)
        g = W_g x + R_g h + b_g                         c' = f c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o c'
    """
    i, f, g = sigmoid(z.i + p.i(s.c)), sigmoid(z.f + p.f(s.c)), p.g(input_squash(z.g))
    c = f * s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * output_squash(p.c(c)), State(c=c), Gates(i=i, f=f, g=g, o=o)
