"""W5 in PyTorch, float64: the time of a training step of the pooled LSTM with heads integrated out, times the steps and
members that the kernel's fit took, plus reading the exposures. Validation and the final heads are left out, in PyTorch's
favour. The loss is that of docs/derivations/closed_form_heads.md with the noise of all assets in common; that
the kernel's is the same number is proved by its golden tests, not here.
"""

import json
import statistics
import time

import torch
from torch import nn

FACTORS, MONTHS, HIDDEN, FILTERS, RANK, LAGS, BUMPS, MEMBERS = 6, 600, 8, 3, 4, 13, 7, 3
TIMED_STEPS = 20


class Member:
    def __init__(self, months, assets, lookback):
        torch.manual_seed(1)
        real = {"dtype": torch.float64}
        z = torch.randn(months, FACTORS, **real)
        # Standardised returns of which a third is explained.
        y = (z @ torch.randn(FACTORS, assets, **real) / FACTORS**0.5 + 1.4 * torch.randn(months, assets, **real)) / 1.7
        self.z, self.assets = z, assets
        self.windows = nn.functional.pad(z, (0, 0, lookback - 1, 0)).unfold(0, lookback, 1).transpose(1, 2).contiguous()
        lagged = nn.functional.pad(z, (0, 0, LAGS - 1, 0)).unfold(0, LAGS, 1).flip(2)
        self.bumps = torch.rand(LAGS, BUMPS, **real)
        self.lagged = torch.einsum("tfk,kb->tbf", lagged, self.bumps).reshape(months, -1)
        deviations = y - y.mean(1, keepdim=True)
        # The loss needs Y Y' alone, so that more assets than months cost no more than months.
        if assets > months:
            jitter = 1e-9 * torch.eye(months, **real)
            deviations = torch.linalg.cholesky(deviations @ deviations.T / assets + jitter) * assets**0.5
        self.common, self.deviations = assets**0.5 * y.mean(1, keepdim=True), deviations
        self.lstm = nn.LSTM(FACTORS, HIDDEN, batch_first=True, dtype=torch.float64)
        features = FACTORS + HIDDEN + FILTERS
        parameter = lambda *shape, at=0.0, sd=0.0: nn.Parameter(at + sd * torch.randn(*shape, **real))
        self.lag_filters = parameter(BUMPS * FACTORS, FILTERS, sd=0.05)
        self.a, self.directions = parameter(FACTORS, at=-2.0), parameter(features, RANK, sd=0.02)
        self.mean_scale, self.noise = parameter(features, at=-1.0), parameter(2, at=-0.1)
        own = [self.lag_filters, self.a, self.directions, self.mean_scale, self.noise]
        self.parameters = [*self.lstm.parameters(), *own]
        self.adam = torch.optim.Adam(self.parameters, lr=0.01, fused=True)

    def features(self, windows):
        h = self.lstm(windows)[0][:, -1]
        features = torch.cat([self.z, h, self.lagged @ self.lag_filters], 1)
        return features - features.mean(0)

    @staticmethod
    def minus_log_likelihood(p, y, count, log_noise):
        noise = torch.exp(2 * log_noise)
        m = torch.eye(p.shape[1], dtype=p.dtype) + p.T @ p / noise
        root = torch.linalg.cholesky(m)
        explained = torch.linalg.solve_triangular(root, p.T @ y, upper=False)
        square = y.square().sum() - explained.square().sum() / noise
        log_det = 2 * root.diagonal().log().sum() + p.shape[0] * 2 * log_noise
        return 0.5 * count * log_det + 0.5 * square / noise

    def step(self):
        self.adam.zero_grad(set_to_none=True)
        r = self.features(self.windows + 0.1 * torch.randn_like(self.windows))
        psi = torch.cat([self.z * self.a.exp(), r @ self.directions], 1)
        mean = torch.cat([self.assets**0.5 * r * self.mean_scale.exp(), psi], 1)
        loss = self.minus_log_likelihood(mean, self.common, 1, self.noise[0])
        loss = loss + self.minus_log_likelihood(psi, self.deviations, self.assets - 1, self.noise[1])
        ih, hh = self.lstm.weight_ih_l0, self.lstm.weight_hh_l0
        groups = ih.view(4, HIDDEN, FACTORS).square().sum(0).add(1e-12).sqrt()
        penalty = 3e-4 * torch.log1p(groups / 0.1).sum() + 2e-5 * (ih.square().sum() + hh.square().sum())
        (loss / (self.assets * len(self.z)) + penalty).backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()

    def exposures(self):
        """Every asset's exposures and their variance by date, lag and factor, into arrays that are reused."""
        windows = self.windows.clone().requires_grad_()
        h = self.lstm(windows)[0][:, -1]
        units = torch.eye(HIDDEN, dtype=h.dtype).unsqueeze(1).expand(-1, len(h), -1)
        of_hidden = torch.stack([torch.autograd.grad(h, windows, unit, retain_graph=True)[0] for unit in units], -1)
        with torch.no_grad():
            lags = max(LAGS, windows.shape[1])
            jacobian = h.new_zeros(len(h), lags, FACTORS, FACTORS + HIDDEN + FILTERS)
            jacobian[:, 0, :, :FACTORS] = torch.eye(FACTORS, dtype=h.dtype)
            jacobian[:, : windows.shape[1], :, FACTORS : FACTORS + HIDDEN] = of_hidden.flip(1)
            filters = torch.einsum("kb,bfm->kfm", self.bumps, self.lag_filters.view(BUMPS, FACTORS, FILTERS))
            jacobian[:, :LAGS, :, FACTORS + HIDDEN :] = filters
            flat = jacobian.flatten(0, 2)
            heads = h.new_ones(self.assets, flat.shape[1])
            if not hasattr(self, "out"):
                self.out = [h.new_empty(self.assets, len(flat)) for _ in range(2)]
            torch.mm(heads, flat.T, out=self.out[0])
            variance = ((flat @ torch.eye(flat.shape[1], dtype=h.dtype)) * flat).sum(1)
            torch.mul(h.new_ones(self.assets, 1), variance, out=self.out[1])


def median_seconds(run, repeats):
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def measure(chosen, steps_taken):
    months, many = (240, 400) if chosen.quick else (MONTHS, 5000)
    for assets, lookback, with_exposures in [(200, 1, False), (200, 1, True), (many, 1, False), (200, 36, False)]:
        name = "W5 closed-form heads, exposures" if with_exposures else "W5 closed-form heads"
        shape = f"T{months} F{FACTORS} M{MEMBERS} N{assets} L{lookback}"
        if shape not in steps_taken:
            continue
        member = Member(months, assets, lookback)
        each = steps_taken[shape] * median_seconds(member.step, TIMED_STEPS)
        if with_exposures:
            each += median_seconds(member.exposures, 2)
        row = {"peer": "PyTorch float64", "workload": name, "shape": shape, "threads": chosen.threads}
        print(json.dumps({**row, "median_s": MEMBERS * each}), flush=True)
