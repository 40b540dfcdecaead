"""PyTorch: `nn.LSTM` (oneDNN) with autograd; a Jacobian by hand with batched products; all networks in one batched,
compiled product.

The Jacobian by hand is the strongest form found: torch.func's vmap over backward passes takes many times as long.
"""

import json

import torch
from torch import nn

import work


def lstm(arrays):
    model = nn.LSTM(arrays.weight_ih.shape[-1], arrays.weight_hh.shape[-1], batch_first=True)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(model, f"{name}_l0").copy_(torch.from_numpy(getattr(arrays, name)))
    return model


def head(arrays):
    layer = nn.Linear(arrays.heads.shape[-1], 1)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(arrays.heads))
        layer.bias.zero_()
    return layer


def forward(sizes):
    arrays = work.data(sizes)
    encoder, layer, x = lstm(arrays), head(arrays), torch.from_numpy(arrays.input)

    def run():
        with torch.inference_mode():
            return layer(encoder(x)[0][:, -1])[:, 0]

    return run, lambda y: y


def train(sizes):
    arrays = work.data(sizes)
    encoder, layer = lstm(arrays), head(arrays)
    x, y = torch.from_numpy(arrays.input), torch.from_numpy(arrays.targets)
    parameters = [*encoder.parameters(), *layer.parameters()]
    adam = torch.optim.Adam(parameters, lr=work.LEARNING_RATE, fused=True)

    def step():
        adam.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(layer(encoder(x)[0][:, -1])[:, 0], y)
        loss.backward()
        adam.step()
        return loss.item()

    losses = [step() for _ in range(work.TRAIN_STEPS)]
    return step, lambda _: losses


def jacobian_autograd(sizes):
    arrays = work.data(sizes)
    encoder, layer = lstm(arrays), head(arrays)
    for parameter in [*encoder.parameters(), *layer.parameters()]:
        parameter.requires_grad_(False)
    x = torch.from_numpy(arrays.input).requires_grad_()

    def run():
        return torch.autograd.grad(layer(encoder(x)[0][:, -1]).sum(), x)[0]

    return run, lambda j: j


class ByHand:
    """Forward pass that keeps its gates, and the backward pass of several cotangents of the last hidden state at once."""

    def __init__(self, arrays, rows):
        self.weight_ih, self.weight_hh = torch.from_numpy(arrays.weight_ih), torch.from_numpy(arrays.weight_hh)
        self.bias = torch.from_numpy(arrays.bias_ih + arrays.bias_hh)
        self.input = torch.from_numpy(arrays.input)
        batch, steps, inputs = self.input.shape
        self.hidden = self.weight_hh.shape[1]
        # Reused from call to call, as the kernel's are.
        self.d_gates = torch.empty(batch, rows, 4, self.hidden)
        self.d_input = torch.empty(steps, batch, rows, inputs)

    def jacobian(self, start):
        """`start` [batch, rows, hidden] -> [batch, rows, steps, inputs]."""
        batch, steps, _ = self.input.shape
        h, c = self.input.new_zeros(batch, self.hidden), self.input.new_zeros(batch, self.hidden)
        kept = []
        from_input = torch.addmm(self.bias, self.input.reshape(batch * steps, -1), self.weight_ih.T)
        from_input = from_input.reshape(batch, steps, -1)
        for step in range(steps):
            i, f, g, o = torch.addmm(from_input[:, step], h, self.weight_hh.T).chunk(4, 1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            before, c = c, f * c + i * g
            t = c.tanh()
            h = o * t
            kept.append((g * i * (1 - i), before * f * (1 - f), i * (1 - g * g), t * o * (1 - o), o * (1 - t * t), f))
        d_h, d_c = start, torch.zeros_like(start)
        for step in reversed(range(steps)):
            of_i, of_f, of_g, of_o, of_c, f = (x.unsqueeze(1) for x in kept[step])
            d_c = torch.addcmul(d_c, d_h, of_c)
            for gate, (cotangent, slope) in enumerate([(d_c, of_i), (d_c, of_f), (d_c, of_g), (d_h, of_o)]):
                torch.mul(cotangent, slope, out=self.d_gates[:, :, gate])
            flat = self.d_gates.view(-1, 4 * self.hidden)
            torch.mm(flat, self.weight_ih, out=self.d_input[step].view(flat.shape[0], -1))
            d_h = (flat @ self.weight_hh).view_as(start)
            d_c = d_c * f
        return self.d_input.permute(1, 2, 0, 3)


def jacobian_by_hand(sizes):
    arrays = work.data(sizes)
    by_hand = ByHand(arrays, 1)
    start = torch.from_numpy(arrays.heads).expand(sizes.batch, 1, sizes.hidden).contiguous()

    def run():
        with torch.inference_mode():
            return by_hand.jacobian(start).contiguous()

    return run, lambda j: j


def shared(sizes):
    arrays = work.data(sizes)
    by_hand = ByHand(arrays, sizes.hidden)
    start = torch.eye(sizes.hidden).expand(sizes.batch, -1, -1).contiguous()
    heads = torch.from_numpy(arrays.heads).expand(sizes.batch, -1, -1)
    out = torch.empty(sizes.batch, sizes.heads, sizes.steps * sizes.inputs)

    def run():
        with torch.inference_mode():
            hidden = by_hand.jacobian(start).reshape(sizes.batch, sizes.hidden, -1)
            return torch.bmm(heads, hidden, out=out)

    return run, lambda j: j


def outputs(x, weight_ih, weight_hh, bias, heads):
    """All networks at once: x [networks, batch, steps, inputs] -> [networks, batch]."""
    networks, batch, steps, inputs = x.shape
    from_input = torch.baddbmm(bias.unsqueeze(1), x.reshape(networks, batch * steps, inputs), weight_ih.transpose(1, 2))
    from_input = from_input.view(networks, batch, steps, -1)
    size = weight_hh.shape[2]
    h, c = x.new_zeros(networks, batch, size), x.new_zeros(networks, batch, size)
    recurrent = weight_hh.transpose(1, 2)
    for step in range(steps):
        i, f, g, o = torch.baddbmm(from_input[:, :, step], h, recurrent).chunk(4, 2)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return torch.bmm(h, heads.transpose(1, 2))[:, :, 0]


def network_parameters(arrays):
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "heads")
    return [torch.from_numpy(getattr(arrays, name)).clone() for name in names]


def train_networks(sizes, compiled):
    arrays = work.data(sizes)
    x, y = torch.from_numpy(arrays.input), torch.from_numpy(arrays.targets)

    def losses_of(x, y, ih, hh, bias_ih, bias_hh, heads, bias):
        return ((outputs(x, ih, hh, bias_ih + bias_hh, heads) + bias - y) ** 2).mean(1)

    # The compiler takes the forward and the backward pass; the optimiser is one fused kernel by itself.
    losses_of = torch.compile(losses_of) if compiled else losses_of

    def run():
        parameters = [p.requires_grad_() for p in [*network_parameters(arrays), torch.zeros(sizes.networks, 1)]]
        adam = torch.optim.Adam(parameters, lr=work.LEARNING_RATE, fused=True)
        losses = []
        for _ in range(sizes.epochs):
            adam.zero_grad(set_to_none=True)
            each = losses_of(x, y, *parameters)
            each.sum().backward()
            adam.step()
            losses.append(each.detach())
        return torch.stack(losses, 1)

    return run, lambda losses: losses


def differentiate_networks(sizes, compiled):
    arrays = work.data(sizes)
    ih, hh, bias_ih, bias_hh, heads = network_parameters(arrays)
    x = torch.from_numpy(arrays.input).requires_grad_()
    of = torch.compile(outputs) if compiled else outputs

    def run():
        return torch.autograd.grad(of(x, ih, hh, bias_ih + bias_hh, heads).sum(), x)[0]

    return run, lambda j: j


def main():
    chosen = work.options()
    torch.set_num_threads(chosen.threads)
    sizes = work.QUICK if chosen.quick else work.FULL
    own = [
        ("W1", "W1a forward", 7, lambda: forward(sizes["W1"])),
        ("W1", "W1b forward+backward+Adam", 7, lambda: train(sizes["W1"])),
        ("W1", "W1c forward+Jacobian", 7, lambda: jacobian_autograd(sizes["W1"])),
    ]
    work.measure("PyTorch", chosen, own)
    by_hand = [
        ("W1", "W1c forward+Jacobian", 7, lambda: jacobian_by_hand(sizes["W1"])),
        ("W2", "W2 shared encoder", 5, lambda: shared(sizes["W2"])),
    ]
    work.measure("PyTorch, Jacobian by hand", chosen, by_hand)
    for compiled in (False, True):
        batched = [
            ("W3", "W3t networks, training", 2, lambda: train_networks(sizes["W3"], compiled)),
            ("W3", "W3j networks, Jacobian", 3, lambda: differentiate_networks(sizes["W3"], compiled)),
        ]
        work.measure("PyTorch, compiled, batched networks" if compiled else "PyTorch, batched networks", chosen, batched)
    if "W5" in chosen.only.split(","):
        import torch_closed_form

        torch_closed_form.measure(chosen, json.loads(chosen.steps))


if __name__ == "__main__":
    main()
