"""The variants of "LSTM: a search space odyssey" (Greff, Srivastava, Koutník, Steunebrink & Schmidhuber 2015).

Each changes one thing of the vanilla cell, ``peephole``. Its ninth, full gate recurrence, is not another cell but
an option of the layer: ``gate_recurrence="gates"``.
"""

from __future__ import annotations

from carrousel.cells._classic import lstm
from carrousel.cells._contract import cell
from carrousel.cells._values import Gates, State
from carrousel.cells.math import sigmoid, tanh

__all__ = [
    "coupled",
    "coupled_peephole",
    "no_forget_gate",
    "no_input_activation",
    "no_input_gate",
    "no_output_activation",
    "no_output_gate",
    "no_peepholes",
]


@cell("i f g o", candidates="g", states="c")
def no_peepholes(z, s, p):
    """No peepholes, which leaves the equations of ``lstm``. Gates in the order i f g o.

    Greff et al. 2015 (NP)::

        i = sigmoid(W_i x + R_i h + b_i)        f = sigmoid(W_f x + R_f h + b_f)
        g = tanh(W_g x + R_g h + b_g)           o = sigmoid(W_o x + R_o h + b_o)
        c' = f c + i g                          h' = o tanh(c')
    """
    return lstm(z, s, p)


@cell("i g o", candidates="g", states="c")
def coupled(z, s, p):
    """Input and forget gate coupled, f = 1 - i, without peepholes. Gates in the order i g o.

    Greff et al. 2015 (CIFG), without peepholes::

        i = sigmoid(W_i x + R_i h + b_i)        o = sigmoid(W_o x + R_o h + b_o)
        g = tanh(W_g x + R_g h + b_g)
        c' = (1 - i) c + i g                    h' = o tanh(c')
    """
    i, g, o = sigmoid(z.i), p.g(tanh(z.g)), sigmoid(z.o)
    c = (1.0 - i) * s.c + i * g
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, g=g, o=o)


@cell("i g o", candidates="g", states="c", peepholes="i o")
def coupled_peephole(z, s, p):
    """Input and forget gate coupled, f = 1 - i. Gates in the order i g o, peepholes i o.

    Greff et al. 2015 (CIFG)::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        g = tanh(W_g x + R_g h + b_g)
        c' = (1 - i) c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o tanh(c')
    """
    i, g = sigmoid(z.i + p.i(s.c)), p.g(tanh(z.g))
    c = (1.0 - i) * s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, g=g, o=o)


@cell("f g o", candidates="g", states="c", peepholes="f o")
def no_input_gate(z, s, p):
    """No input gate, i = 1. Gates in the order f g o, peepholes f o.

    Greff et al. 2015 (NIG)::

        f = sigmoid(W_f x + R_f h + p_f c + b_f)        g = tanh(W_g x + R_g h + b_g)
        c' = f c + g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o tanh(c')
    """
    f, g = sigmoid(z.f + p.f(s.c)), p.g(tanh(z.g))
    c = f * s.c + g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(f=f, g=g, o=o)


@cell("i g o", candidates="g", states="c", peepholes="i o")
def no_forget_gate(z, s, p):
    """No forget gate, f = 1. Gates in the order i g o, peepholes i o.

    Greff et al. 2015 (NFG)::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        g = tanh(W_g x + R_g h + b_g)
        c' = c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o tanh(c')
    """
    i, g = sigmoid(z.i + p.i(s.c)), p.g(tanh(z.g))
    c = s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, g=g, o=o)


@cell("i f g", candidates="g", states="c", peepholes="i f")
def no_output_gate(z, s, p):
    """No output gate, o = 1. Gates in the order i f g, peepholes i f.

    Greff et al. 2015 (NOG)::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        f = sigmoid(W_f x + R_f h + p_f c + b_f)
        g = tanh(W_g x + R_g h + b_g)
        c' = f c + i g                                  h' = tanh(c')
    """
    i, f, g = sigmoid(z.i + p.i(s.c)), sigmoid(z.f + p.f(s.c)), p.g(tanh(z.g))
    c = f * s.c + i * g
    return tanh(p.c(c)), State(c=c), Gates(i=i, f=f, g=g)


@cell("i f g o", candidates="g", states="c", peepholes="i f o")
def no_input_activation(z, s, p):
    """No input activation function, g is linear. Gates in the order i f g o, peepholes i f o.

    Greff et al. 2015 (NIAF)::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        f = sigmoid(W_f x + R_f h + p_f c + b_f)
        g = W_g x + R_g h + b_g                         c' = f c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o tanh(c')
    """
    i, f, g = sigmoid(z.i + p.i(s.c)), sigmoid(z.f + p.f(s.c)), p.g(z.g)
    c = f * s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, f=f, g=g, o=o)


@cell("i f g o", candidates="g", states="c", peepholes="i f o")
def no_output_activation(z, s, p):
    """No output activation function, h' = o c'. Gates in the order i f g o, peepholes i f o.

    Greff et al. 2015 (NOAF)::

        i = sigmoid(W_i x + R_i h + p_i c + b_i)        f = sigmoid(W_f x + R_f h + p_f c + b_f)
        g = tanh(W_g x + R_g h + b_g)                   c' = f c + i g
        o = sigmoid(W_o x + R_o h + p_o c' + b_o)       h' = o c'
    """
    i, f, g = sigmoid(z.i + p.i(s.c)), sigmoid(z.f + p.f(s.c)), p.g(tanh(z.g))
    c = f * s.c + i * g
    o = sigmoid(z.o + p.o(c))
    return o * p.c(c), State(c=c), Gates(i=i, f=f, g=g, o=o)
