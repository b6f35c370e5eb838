"""The test oracle: the pseudocode of the 2003 LSTM tutorial, line by line, in plain Python floats.

Numbers in brackets are the tutorial's equation numbers. Where the 1997 paper differs (squashing functions g and h, no
forget gates, no output gates, conventional hidden units) the line follows its appendix.
"""

from __future__ import annotations

from math import exp, tanh


def f(x):
    return 1 / (1 + exp(-x))


SQUASHES = {
    "identity": (lambda x: x, lambda x: 1.0),
    "sigmoid": (f, lambda x: f(x) * (1 - f(x))),
    "sigmoid_pm1": (lambda x: 2 * f(x) - 1, lambda x: 2 * f(x) * (1 - f(x))),
    "sigmoid_pm2": (lambda x: 4 * f(x) - 2, lambda x: 4 * f(x) * (1 - f(x))),
    "tanh": (tanh, lambda x: 1 - tanh(x) ** 2),
}
df = SQUASHES["sigmoid"][1]
GATES = ("input_gate", "forget_gate", "output_gate")


class Pseudocode:
    def __init__(self, network, weights, alpha, update="step", cross_entropy=False, decay=1.0, insensitive=0.0):
        self.insensitive = insensitive
        self.decay = decay  # of alpha, at every step (2000, "sequential alpha decay")
        self.n, self.alpha, self.update, self.cross_entropy = network, alpha, update, cross_entropy
        self.w = {name: value.tolist() for name, value in weights.items()}
        self.dw = {name: [[0.0] * len(row) for row in value] for name, value in self.w.items()}
        self.blocks, self.S = range(network.blocks), range(network.block_size)
        self.steps = 0
        self.reset()

    def reset(self):
        """init network: reset CECs, partials, activations."""
        n = self.n
        sources = ("cell", *GATES, "hidden")
        self.y = {name: [0.0] * n.size(name) for name in sources}
        self.y["bias"] = [1.0]
        self.y["input"] = [0.0] * n.inputs
        self.s = [[0.0 for _ in self.S] for _ in self.blocks]

        def partials(group):
            return [[[0.0] * self.fan_in(group) for _ in self.S] for _ in self.blocks]

        self.dS_c, self.dS_in = partials("cell"), partials("input_gate")
        self.dS_phi = partials("forget_gate") if n.forget_gates else None
        self.dS_in_peep = [[[0.0 for _ in self.S] for _ in self.S] for _ in self.blocks]
        self.dS_phi_peep = [[[0.0 for _ in self.S] for _ in self.S] for _ in self.blocks]

    def fan_in(self, group):
        return len(self.w[group][0])

    def feed(self, group, y):
        return [value for source in self.n.sources(group) for value in y[source]]

    def net(self, group, unit, y):
        total = 0.0
        for w, value in zip(self.w[group][unit], self.feed(group, y), strict=True):
            total += w * value
        return total

    def peep(self, gate, j, s):
        if not self.n.peepholes:
            return 0.0
        return sum(self.w[f"{gate}_peephole"][j][v] * s[j][v] for v in self.S)

    def partial_decay(self, y_phi):
        """What partial derivatives are multiplied by: what states are, unless the network says otherwise."""
        return y_phi if self.n.forget_gates or self.n.traces_decay else [1.0 for _ in self.blocks]

    def step(self, x, target=None):
        n = self.n
        g, dg = SQUASHES[n.input_squash]
        h, dh = SQUASHES[n.output_squash]
        fk, dfk = SQUASHES[n.unit_squash]
        fi, dfi = SQUASHES[n.hidden_squash]
        # forward pass
        #   input units: y = current external input
        #   roll over: activations yhat = y; cell states shat = s
        yhat = {name: list(values) for name, values in self.y.items()}
        yhat["input"] = list(x)
        shat = [list(row) for row in self.s]
        y = {name: list(values) for name, values in yhat.items()}
        net_in, net_phi, net_out = {}, {}, {}
        net_c = [[0.0 for _ in self.S] for _ in self.blocks]
        y_phi = [n.state_decay for _ in self.blocks]  # 1 but for the 2000 paper's state decay
        y_out = [1.0 for _ in self.blocks]
        for j in self.blocks:
            # Step 1a: input gates (5.1)
            net_in[j] = self.net("input_gate", j, yhat) + self.peep("input_gate", j, shat)
            y["input_gate"][j] = f(net_in[j])
            # Step 1b: forget gates (5.2)
            if n.forget_gates:
                net_phi[j] = self.net("forget_gate", j, yhat) + self.peep("forget_gate", j, shat)
                y_phi[j] = y["forget_gate"][j] = f(net_phi[j])
            # Step 1c: CECs, i.e. the cell states (5.3)
            for v in self.S:
                net_c[j][v] = self.net("cell", j * n.block_size + v, yhat)
                self.s[j][v] = y_phi[j] * shat[j][v] + y["input_gate"][j] * g(net_c[j][v])
            # Step 2: output gate activation (5.4)
            if n.output_gates:
                net_out[j] = self.net("output_gate", j, yhat) + self.peep("output_gate", j, self.s)
                y_out[j] = y["output_gate"][j] = f(net_out[j])
            # cell outputs (5.5)
            for v in self.S:
                y["cell"][j * n.block_size + v] = y_out[j] * h(self.s[j][v])
        #   conventional hidden units (1997, A.3)
        net_i = [self.net("hidden", i, yhat) for i in range(n.hidden)]
        y["hidden"] = [fi(net) for net in net_i]
        #   output units (2.9)
        net_k = [self.net("output", k, y) for k in range(n.outputs)]
        y_k = [fk(net) for net in net_k]
        # partial derivatives
        y_phi = self.partial_decay(y_phi)
        for j in self.blocks:
            for v in self.S:
                # cells (5.6)
                for m, y_m in enumerate(self.feed("cell", yhat)):
                    self.dS_c[j][v][m] = self.dS_c[j][v][m] * y_phi[j] + dg(net_c[j][v]) * y["input_gate"][j] * y_m
                # input gates (5.7), (5.7b)
                for m, y_m in enumerate(self.feed("input_gate", yhat)):
                    self.dS_in[j][v][m] = self.dS_in[j][v][m] * y_phi[j] + g(net_c[j][v]) * df(net_in[j]) * y_m
                if n.peepholes:
                    for u in self.S:
                        self.dS_in_peep[j][v][u] = (
                            self.dS_in_peep[j][v][u] * y_phi[j] + g(net_c[j][v]) * df(net_in[j]) * shat[j][u]
                        )
                # forget gates (5.8), (5.8b)
                if n.forget_gates:
                    for m, y_m in enumerate(self.feed("forget_gate", yhat)):
                        self.dS_phi[j][v][m] = self.dS_phi[j][v][m] * y_phi[j] + shat[j][v] * df(net_phi[j]) * y_m
                    if n.peepholes:
                        for u in self.S:
                            self.dS_phi_peep[j][v][u] = (
                                self.dS_phi_peep[j][v][u] * y_phi[j] + shat[j][v] * df(net_phi[j]) * shat[j][u]
                            )
        self.y = y
        self.steps += 1
        if target is not None:
            self.backward(y, yhat, y_k, net_k, net_i, net_in, net_phi, net_out, y_out, target, h, dh, dfk, dfi)
        if isinstance(self.update, int) and self.steps % self.update == 0:
            self.change()
        self.alpha *= self.decay
        return y_k

    def backward(self, y, yhat, y_k, net_k, net_i, net_in, net_phi, net_out, y_out, target, h, dh, dfk, dfi):
        """backward pass (if error injected)."""
        n, S = self.n, self.n.block_size
        # errors and deltas
        #   injection error
        e_k = [t - y for t, y in zip(target, y_k, strict=True)]
        e_k = [0.0 if abs(e) < self.insensitive else e for e in e_k]
        #   deltas of output units (5.10)
        delta_k = [e if self.cross_entropy else dfk(net) * e for e, net in zip(e_k, net_k, strict=True)]
        column = 0
        back = {}  # for each source of the outputs: sum_k w_k,source delta_k
        for source in n.sources("output"):
            for m in range(n.size(source)):
                back[source, m] = sum(self.w["output"][k][column] * delta_k[k] for k in range(n.outputs))
                column += 1
        #   conventional hidden units
        delta_i = [dfi(net_i[i]) * back["hidden", i] for i in range(n.hidden)]
        #   deltas of output gates (5.11b) and internal state error (5.15)
        delta_out, e_s = {}, {}
        for j in self.blocks:
            if n.output_gates:
                delta_out[j] = df(net_out[j]) * sum(h(self.s[j][v]) * back["cell", j * S + v] for v in range(S))
            for v in self.S:
                e_s[j, v] = y_out[j] * dh(self.s[j][v]) * back["cell", j * S + v]
        # weight updates
        #   gates that the outputs see: as conventional units, beside what reaches them through their cells
        for gate, net in (("input_gate", net_in), ("forget_gate", net_phi), ("output_gate", net_out)):
            if gate in n.sources("output"):
                for j in self.blocks:
                    for m, y_m in enumerate(self.feed(gate, yhat)):
                        self.dw[gate][j][m] += self.alpha * df(net[j]) * back[gate, j] * y_m
        #   output units (5.9)
        for k in range(n.outputs):
            for m, y_m in enumerate(self.feed("output", y)):
                self.dw["output"][k][m] += self.alpha * delta_k[k] * y_m
        for i in range(n.hidden):
            for m, y_m in enumerate(self.feed("hidden", yhat)):
                self.dw["hidden"][i][m] += self.alpha * delta_i[i] * y_m
        for j in self.blocks:
            #   output gates (5.11a)
            if n.output_gates:
                for m, y_m in enumerate(self.feed("output_gate", yhat)):
                    self.dw["output_gate"][j][m] += self.alpha * delta_out[j] * y_m
                if n.peepholes:
                    for v in self.S:
                        self.dw["output_gate_peephole"][j][v] += self.alpha * delta_out[j] * self.s[j][v]
            #   input gates (5.13)
            for m in range(self.fan_in("input_gate")):
                total = sum(e_s[j, v] * self.dS_in[j][v][m] for v in self.S)
                self.dw["input_gate"][j][m] += self.alpha * total
            if n.peepholes:
                for u in self.S:
                    total = sum(e_s[j, v] * self.dS_in_peep[j][v][u] for v in self.S)
                    self.dw["input_gate_peephole"][j][u] += self.alpha * total
            #   forget gates (5.14)
            if n.forget_gates:
                for m in range(self.fan_in("forget_gate")):
                    total = sum(e_s[j, v] * self.dS_phi[j][v][m] for v in self.S)
                    self.dw["forget_gate"][j][m] += self.alpha * total
                if n.peepholes:
                    for u in self.S:
                        total = sum(e_s[j, v] * self.dS_phi_peep[j][v][u] for v in self.S)
                        self.dw["forget_gate_peephole"][j][u] += self.alpha * total
            #   cells (5.12)
            for v in self.S:
                for m in range(self.fan_in("cell")):
                    self.dw["cell"][j * n.block_size + v][m] += self.alpha * e_s[j, v] * self.dS_c[j][v][m]
        if self.update == "step":
            self.change()

    def change(self):
        for name, rows in self.dw.items():
            for unit, row in enumerate(rows):
                for m, value in enumerate(row):
                    self.w[name][unit][m] += value
                    row[m] = 0.0
