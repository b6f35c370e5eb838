"""Cells that recur over several dimensions, as those of an image."""

from __future__ import annotations

from carrousel.cells._contract import cell
from carrousel.cells._values import Gates, State
from carrousel.cells.math import sigmoid, tanh

__all__ = ["multidimensional"]


@cell("i f* g o", candidates="g", states="c", peepholes="i f* o")
def multidimensional(z, s, p):
    """LSTM over n dimensions, a forget gate for each of them. Gates in the order i f g o, peepholes i f o, n times f.

    Graves, Fernández & Schmidhuber 2007, "Multi-dimensional recurrent neural networks", with peepholes as Graves'
    RNNLIB lays them: the input gate sees all neighbours' states by one weight, a forget gate that of its own dimension.
    Over one dimension it is the cell ``peephole``; over n, with h_d and c_d of the neighbour before along d::

        i = sigmoid(W_i x + sum_d R_id h_d + p_i sum_d c_d + b_i)
        f_d = sigmoid(W_fd x + sum_e R_fde h_e + p_fd c_d + b_fd)       for each dimension d
        g = tanh(W_g x + sum_d R_gd h_d + b_g)                          c' = sum_d f_d c_d + i g
        o = sigmoid(W_o x + sum_d R_od h_d + p_o c' + b_o)              h' = o tanh(c')
    """
    i, g = sigmoid(z.i + p.i(sum(s.c[1:], s.c[0]))), p.g(tanh(z.g))
    f = [sigmoid(z_d + p_d(c_d)) for z_d, p_d, c_d in zip(z.f, p.f, s.c, strict=True)]
    kept = [f_d * c_d for f_d, c_d in zip(f, s.c, strict=True)]
    c = sum(kept[1:], kept[0]) + i * g
    o = sigmoid(z.o + p.o(c))
    return o * tanh(p.c(c)), State(c=c), Gates(i=i, f=tuple(f), g=g, o=o)
