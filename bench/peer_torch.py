#!/usr/bin/env python3
"""Full training steps in PyTorch, beside those of Thomas; not part of the build. Needs torch and nothing else.

    dotnet run -c Release --project bench/Thomas.Benchmarks -- training mobilenet-v2 lenet5

runs it with --serve: it prints its name, then makes a step for each line that it reads and answers "done".

    python3 bench/peer_torch.py [mobilenet-v2|lenet5] [--batch 8] [--threads 1] [--serve | --bare STEPS]

Same networks and work as `thomas bench` with the policy `scratch`: forward, cross-entropy, backward, SGD with momentum, batch normalization with the
statistics of the batch. --bare runs so many steps and prints nothing, for tools that count instructions from outside.
"""
import argparse
import sys

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
    parser.add_argument("--threads", type=int, default=1)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--serve", action="store_true")
    mode.add_argument("--bare", type=int, metavar="STEPS")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model, shape, classes = mobilenet_v2() if options.network == "mobilenet-v2" else lenet5()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    images, labels = torch.rand(options.batch, *shape) * 2 - 1, torch.randint(0, classes, (options.batch,))

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    if options.bare is not None:
        for _ in range(options.bare):
            step()
        return

    print(f"pytorch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        step()
        print("done", flush=True)


if __name__ == "__main__":
    main()
