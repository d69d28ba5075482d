#!/usr/bin/env python3
"""Milliseconds of a full training step in PyTorch: a rough reference beside `steps`, not part of the build.

    python3 bench/peer_torch.py [mobilenet-v2|lenet5] [--batch 8] [--threads 1,2] [--rounds 10] [--bare STEPS]

Needs torch and nothing else; say its version with the figures. Same networks and work as `steps NAME --live-batch-norm`: forward, cross-entropy, backward, SGD with momentum.
--bare runs so many steps on one thread and prints nothing, for tools that count instructions from outside.
"""
import argparse
import time

import torch
from torch import nn


def unit(inputs, outputs, kernel=1, stride=1, groups=1, activation=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU6()) if activation else nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        expand = [unit(inputs, hidden)] if expansion > 1 else []
        self.body = nn.Sequential(*expand, unit(hidden, hidden, 3, stride, hidden), unit(hidden, outputs, activation=False))
        self.joins = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.joins else self.body(x)


def mobilenet_v2():
    blocks, channels = [unit(3, 32, 3, 2)], 32
    for expansion, outputs, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(count):
            blocks.append(InvertedResidual(channels, outputs, stride if i == 0 else 1, expansion))
            channels = outputs
    return nn.Sequential(*blocks, unit(320, 1280), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)), (3, 224, 224), 1000


def lenet5():
    features = [nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*features, nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)), (1, 28, 28), 10


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", nargs="?", default="mobilenet-v2", choices=["mobilenet-v2", "lenet5"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--bare", type=int, default=0)
    options = parser.parse_args()

    torch.manual_seed(1)
    model, shape, classes = mobilenet_v2() if options.network == "mobilenet-v2" else lenet5()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    images, labels = torch.rand(options.batch, *shape) * 2 - 1, torch.randint(0, classes, (options.batch,))

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    if options.bare:
        torch.set_num_threads(1)
        for _ in range(options.bare):
            step()
        return

    threads = [int(t) for t in options.threads.split(",")]
    times = {t: [] for t in threads}
    for round in range(-2, options.rounds):
        for t in threads:
            torch.set_num_threads(t)
            start = time.perf_counter()
            step()
            if round >= 0:
                times[t].append((time.perf_counter() - start) * 1e3)
    for t in threads:
        print(f"torch {torch.__version__}, {options.network}, batch {options.batch}, {t} thread(s): {sorted(times[t])[len(times[t]) // 2]:.1f} ms ({min(times[t]):.1f})")


if __name__ == "__main__":
    main()
