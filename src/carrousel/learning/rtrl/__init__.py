"""Exact real-time recurrent learning: the gradient of back-propagation through time, carried forward.

What a state owes to the weights is known at every step, so an error needs no way back, and memory does not grow with
the sequence (Robinson & Fallside 1987; Williams & Zipser 1989). Where units hear one another it costs O(n³) numbers and
O(n⁴) operations a step for n units, and is for small nets: :class:`ModuleRTRL`. Where each hears itself alone it costs
O(1) for each weight: :func:`elementwise`.
"""

from __future__ import annotations

from carrousel.learning.rtrl._elementwise import elementwise
from carrousel.learning.rtrl._module import ModuleRTRL

__all__ = ["ModuleRTRL", "elementwise"]
