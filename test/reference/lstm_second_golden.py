"""Golden second derivatives of an LSTM with head: the Hessian and gradients of Jacobian penalties, by torch in float64.

Run: python lstm_second_golden.py; its output stands in native/crates/lstm/tests/kernel/second.rs.
"""
import torch

from lstm_golden import PROBES, PROBE_SEED, Uniform

HIDDEN, INPUTS, LAYERS, SAMPLES, STEPS, OUTPUTS, SEED = 5, 3, 2, 7, 4, 2, 31


def probes(values):
    random = Uniform(PROBE_SEED)
    return [float(values @ random.vector(len(values), 1.0)) for _ in range(PROBES)]


def main():
    random = Uniform(SEED)
    lstm = torch.nn.LSTM(INPUTS, HIDDEN, LAYERS, batch_first=True, dtype=torch.float64)
    sizes = [p.numel() for p in lstm.parameters()]
    for parameter, part in zip(lstm.parameters(), random.vector(sum(sizes), HIDDEN**-0.5).split(sizes)):
        parameter.data = part.reshape(parameter.shape).clone()
    head = torch.nn.Linear(HIDDEN, OUTPUTS, dtype=torch.float64)
    head.weight.data = random.vector(OUTPUTS * HIDDEN, 1.0).reshape(OUTPUTS, HIDDEN)
    head.bias.data = random.vector(OUTPUTS, 1.0)
    x = random.vector(SAMPLES * STEPS * INPUTS, 2.0).reshape(SAMPLES, STEPS, INPUTS)

    def model(window):
        return head(lstm(window.reshape(1, STEPS, INPUTS))[0][:, -1])[0]

    def second(window):
        rows = [torch.autograd.functional.hessian(lambda w: model(w)[o], window) for o in range(OUTPUTS)]
        return torch.stack(rows).reshape(-1)

    print("hessian", probes(torch.cat([second(window.reshape(-1)) for window in x])))
    x.requires_grad_(True)
    y = head(lstm(x)[0][:, -1])
    columns = [torch.autograd.grad(y[:, o].sum(), x, create_graph=True)[0] for o in range(OUTPUTS)]
    jacobian = torch.stack(columns, 1)
    penalties = {
        "size": 0.5 * (jacobian**2).sum() / SAMPLES,
        "variation": 0.5 * ((jacobian[1:] - jacobian[:-1]) ** 2).sum() / (SAMPLES - 1),
    }
    for name, value in penalties.items():
        parameters = [*lstm.parameters(), head.weight]
        gradients = torch.autograd.grad(value, parameters, retain_graph=True)
        print(name, float(value.detach()), probes(torch.cat([g.reshape(-1) for g in gradients])))


if __name__ == "__main__":
    main()
