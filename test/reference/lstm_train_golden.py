"""Golden numbers of the learned-heads trainer: AdamW steps of torch in float64 on masked squared error.

Run: python lstm_train_golden.py; its output stands in native/crates/lstm/tests/kernel/train.rs.
"""
import torch

from lstm_golden import PROBES, PROBE_SEED, Uniform

HIDDEN, INPUTS, LAYERS, ROWS, STEPS, OUTPUTS, SEED, EPOCHS = 7, 3, 2, 50, 6, 2, 77, 6
RATE, HEAD_RATE, DECAY, CLIP = 0.01, 0.02, 0.1, 0.05


def main():
    torch.manual_seed(0)
    random = Uniform(SEED)
    lstm = torch.nn.LSTM(INPUTS, HIDDEN, LAYERS, batch_first=True, dtype=torch.float64)
    sizes = [p.numel() for p in lstm.parameters()]
    for parameter, part in zip(lstm.parameters(), random.vector(sum(sizes), HIDDEN**-0.5).split(sizes)):
        parameter.data = part.reshape(parameter.shape).clone()
    head = torch.nn.Linear(HIDDEN, OUTPUTS, dtype=torch.float64)
    head.weight.data = random.vector(OUTPUTS * HIDDEN, 1.0).reshape(OUTPUTS, HIDDEN)
    head.bias.data = random.vector(OUTPUTS, 1.0)
    x = random.vector(ROWS * STEPS * INPUTS, 2.0).reshape(ROWS, STEPS, INPUTS)
    # Targets are the first hidden cotangents of the test data, every fifth of them missing.
    random.vector(2 * LAYERS * ROWS * HIDDEN, 1.0)
    y = random.vector(ROWS * STEPS * HIDDEN, 1.0)[: ROWS * OUTPUTS].reshape(ROWS, OUTPUTS).clone()
    mask = (torch.arange(ROWS * OUTPUTS) % 5 != 0).reshape(ROWS, OUTPUTS)
    groups = [
        {"params": lstm.parameters(), "lr": RATE, "weight_decay": DECAY},
        {"params": head.parameters(), "lr": HEAD_RATE, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups)
    parameters = [*lstm.parameters(), *head.parameters()]
    losses = []
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = ((head(lstm(x)[0][:, -1]) - y)[mask] ** 2).mean()
        loss.backward()
        norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
        if norm > CLIP:
            for parameter in parameters:
                parameter.grad *= CLIP / norm
        optimizer.step()
        losses.append(float(loss.detach()))
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])
    probes = Uniform(PROBE_SEED)
    print("losses", losses)
    print("probes", [float(flat @ probes.vector(len(flat), 1.0)) for _ in range(PROBES)])


if __name__ == "__main__":
    main()
