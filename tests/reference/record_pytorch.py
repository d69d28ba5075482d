#!/usr/bin/env python3
"""Records what PyTorch computes when it trains four small networks: the reference of Thomas' training tests.

    python3 record_pytorch.py            writes ../Thomas.Tests/Reference/*.json
    python3 record_pytorch.py lenet5     one of them

Needs torch and numpy; recorded with Debian's python3-torch 1.13. Weights and inputs are not stored: both sides make them with the
recurrence of noise(), and the files hold checksums of them. Everything recorded was computed in float64 from those float32 numbers
in training mode, so that a comparison measures the error of the other side alone. Loss curves are recorded in float32 too: how far
these two part is how far rounding takes a correct program.

tests/Thomas.Tests/Harness/TorchReference.cs reads the files and says how to use them.
"""

import copy
import json
import math
import pathlib
import sys
import zlib

import numpy as np
import torch
from torch import nn

# Seeds of the noise: that of the first tensor in the order of names (NETS has it) or of the first batch; the next has the next seed.
COARSE_SEED = 10001
FINE_SEED = 11001
PROJECTION_SEED = 20001

BLOCK = 16  # pixels
BATCHES = 4
STEPS = 20
FULL_BELOW = 2000  # tensors with fewer elements are recorded whole
SAMPLES = 64  # of those with more


def noise(count, seed):
    """float32 numbers in [-1, 1), exact on every machine: the upper 24 bits of a linear congruential generator modulo 2^32."""
    state = (seed * 2654435761 + 12345) & 0xFFFFFFFF
    values = np.empty(count, np.uint32)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 8
    return (values.astype(np.float64) / 8388608 - 1).astype(np.float32)


def initial(name, shape, seed, normalizes):
    """
    The first value of a tensor: Kaiming uniform filters, and scales and shifts that differ from channel to channel. Batch norms end
    around 3 with a spread of 0.75, so that 0 and 6 cut off about one activation in ten thousand. With many more, one of the millions of
    activations lies so close to a cut that rounding decides, and with that some gradients change by percents; and so deep a network with
    noise for weights is then chaotic: two correct programs part within a few steps.
    """
    if name.endswith("running_mean"):
        return np.zeros(shape, np.float32)
    if name.endswith("running_var"):
        return np.ones(shape, np.float32)
    values = noise(math.prod(shape), seed).reshape(shape)
    if len(shape) > 1:
        return values * np.float32(math.sqrt(6 / math.prod(shape[1:])))
    center = (0.75 if name.endswith("weight") else 3) if normalizes else 0.25
    return np.float32(center) + np.float32(0.25) * values


def images(shape, batch):
    """Blocks of even color with some grain: images of noise alone would all look the same to a network that averages them."""
    n, c, h, w = shape
    coarse = (n, c, -(-h // BLOCK), -(-w // BLOCK))
    blocks = noise(math.prod(coarse), COARSE_SEED + batch).reshape(coarse)
    blocks = blocks.repeat(BLOCK, 2).repeat(BLOCK, 3)[:, :, :h, :w]
    return blocks + np.float32(0.25) * noise(math.prod(shape), FINE_SEED + batch).reshape(shape)


class LeNet5(nn.Module):
    """20 and 50 filters of 5x5 without activation, 500 hidden units (LeCun et al. 1998 in the form of Caffe's example)."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(50 * 4 * 4, 500)
        self.fc2 = nn.Linear(500, classes)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x))))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def conv_bn_relu6(c_in, c_out, kernel, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, c_in, c_out, stride, expansion):
        super().__init__()
        self.adds = stride == 1 and c_in == c_out
        hidden = c_in * expansion
        layers = [conv_bn_relu6(c_in, hidden, 1)] if expansion != 1 else []
        layers += [conv_bn_relu6(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, c_out, 1, bias=False), nn.BatchNorm2d(c_out)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018, with the names of torchvision's state_dict."""

    def __init__(self, classes=5, width=0.35):
        super().__init__()

        def channels(c):
            rounded = max(8, int(c * width + 4) // 8 * 8)
            return rounded + 8 if rounded < 0.9 * c * width else rounded

        c_in = channels(32)
        layers = [conv_bn_relu6(3, c_in, 3, 2)]
        for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
            for i in range(n):
                layers.append(InvertedResidual(c_in, channels(c), s if i == 0 else 1, t))
                c_in = channels(c)
        layers.append(conv_bn_relu6(c_in, 1280, 1))
        self.features = nn.Sequential(*layers)
        # torchvision has a dropout as classifier.0; the comparison runs without any.
        self.classifier = nn.Sequential(nn.Identity(), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class Fire(nn.Module):
    def __init__(self, c_in, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 (Iandola et al. 2016), with the names of torchvision's state_dict. Dropout (classifier.0) left out."""

    def __init__(self, classes=5):
        super().__init__()

        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(), Fire(128, 32, 128), Fire(256, 32, 128), pool(),
            Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256))
        self.classifier = nn.Sequential(nn.Identity(), nn.Conv2d(512, classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return self.classifier(self.features(x)).flatten(1)


class AlexNetLike(nn.Module):
    """
    The layers of Krizhevsky et al. 2012 with few channels: 11x11 stride 4, local response normalization, overlapping pools, groups,
    dense layers after a flatten of 32x2x3. The normalization is far stronger than in the paper, so that its gradient counts.
    """

    def __init__(self, classes=5):
        super().__init__()

        def norm():
            return nn.LocalResponseNorm(5, alpha=1.0, beta=0.75, k=2.0)

        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 11, 4, 2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2), nn.Conv2d(16, 32, 5, padding=2, groups=2), nn.ReLU(), norm(),
            nn.MaxPool2d(3, 2), nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 32, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.classifier = nn.Sequential(nn.Linear(32 * 2 * 3, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


# Network, shape of a batch, classes, seed of the weights, learning rates of SGD and AdamW.
NETS = {
    "lenet5": (LeNet5, (8, 1, 28, 28), 10, 1, 0.003, 0.001),
    "mobilenet-v2": (MobileNetV2, (8, 3, 64, 64), 5, 1, 0.001, 0.0003),
    "squeezenet": (SqueezeNet, (4, 3, 64, 64), 5, 101, 0.0003, 0.0003),  # with other seeds, some outputs end below 0 for every image
    "alexnet-like": (AlexNetLike, (4, 3, 99, 131), 5, 1, 0.01, 0.001),
}

ADAMW_EPSILON = 1e-5


def crc32(values):
    return zlib.crc32(np.ascontiguousarray(values, "<f4").tobytes())


def summary(values, projection_seed):
    """A tensor whole, or as evenly spaced elements and its dot product with noise."""
    flat = values.reshape(-1)
    record = {"norm": float(np.linalg.norm(flat)), "sum": float(flat.sum())}
    if flat.size < FULL_BELOW:
        record["values"] = flat.tolist()
    else:
        stride = flat.size // SAMPLES
        record["stride"] = stride
        record["values"] = flat[: stride * SAMPLES : stride].tolist()
        record["projection"] = float(flat @ noise(flat.size, projection_seed).astype(np.float64))
    return record


def train(net, make_optimizer, inputs, labels):
    """Loss before each step, one batch after the other and round again."""
    optimizer = make_optimizer(net.parameters())
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs[step % BATCHES]), labels[step % BATCHES])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def state_names(net):
    return sorted(name for name in net.state_dict() if not name.endswith("num_batches_tracked"))


def gradients(net, x, y):
    logits = net(x)
    loss = nn.functional.cross_entropy(logits, y)
    loss.backward()
    return loss.item(), logits.detach().numpy(), {name: p.grad.numpy() for name, p in net.named_parameters()}


def record(name):
    make, shape, classes, seed, sgd_rate, adamw_rate = NETS[name]
    net32 = make(classes)
    net32.train()
    names = state_names(net32)
    state = net32.state_dict()
    first = {}
    for i, n in enumerate(names):
        normalizes = n.rpartition(".")[0] + ".running_mean" in state
        first[n] = initial(n, tuple(state[n].shape), seed + i, normalizes)
    net32.load_state_dict({n: torch.from_numpy(first[n]) for n in names}, strict=False)
    net64 = copy.deepcopy(net32).double()

    inputs32 = [torch.from_numpy(images(shape, b)) for b in range(BATCHES)]
    inputs64 = [x.double() for x in inputs32]
    labels = [torch.tensor([(i + 3 * b) % classes for i in range(shape[0])]) for b in range(BATCHES)]

    loss, logits, exact = gradients(copy.deepcopy(net64), inputs64[0], labels[0])
    loss32, _, rounded = gradients(copy.deepcopy(net32), inputs32[0], labels[0])
    # A shift whose every path leads through another batch norm has no gradient; what is left of it is rounding.
    zero = [n for n in exact if np.linalg.norm(exact[n]) < 1e-12]
    errors = {n: float(np.linalg.norm(rounded[n] - exact[n]) / np.linalg.norm(exact[n])) for n in exact if n not in zero}
    worst = max(errors, key=errors.get)

    runs = {}
    optimizers = {
        "sgd": (
            f"SGD: g += 1e-4 * w (every parameter); v = 0.9 * v + g; w -= {sgd_rate} * v",
            lambda p: torch.optim.SGD(p, lr=sgd_rate, momentum=0.9, weight_decay=1e-4)),
        "adamw": (
            f"AdamW: w *= 1 - {adamw_rate} * 0.01 (every parameter), then Adam with rate {adamw_rate}, betas 0.9 and 0.999, "
            f"bias correction, and epsilon {ADAMW_EPSILON} added to the root",
            # A larger epsilon than usual: with 1e-8, rounding errors in place of a gradient of zero would become whole steps.
            lambda p: torch.optim.AdamW(p, lr=adamw_rate, betas=(0.9, 0.999), eps=ADAMW_EPSILON, weight_decay=0.01)),
    }
    for key, (text, make_optimizer) in optimizers.items():
        trained = copy.deepcopy(net64)
        losses = train(trained, make_optimizer, inputs64, labels)
        losses32 = train(copy.deepcopy(net32), make_optimizer, inputs32, labels)
        after = {n: v.numpy() for n, v in trained.state_dict().items() if n in first}
        runs[key] = {
            "optimizer": text,
            "rate": sgd_rate if key == "sgd" else adamw_rate,
            "loss": losses,
            "float32Loss": losses32,
            "parameterNorm": {n: float(np.linalg.norm(after[n])) for n in exact},
            "running": {n: after[n].tolist() for n in names if n not in exact},
        }
        apart = max(abs(a - b) / max(abs(a), 1e-3) for a, b in zip(losses, losses32))
        print(f"{name} {key}: loss {losses[0]:.4f} to {losses[-1]:.4f}, float32 parts from it by {apart:.1e}")

    print(f"{name}: loss {loss:.4f}, float32 gradients within {errors[worst]:.1e} ({worst}); float32 loss off by {abs(loss32 - loss):.1e}")
    return {
        "net": name,
        "torch": torch.__version__,
        "classes": classes,
        "seed": seed,
        "inputShape": list(shape),
        "inputs": [{"crc32": crc32(x.numpy())} for x in inputs32],
        "labels": [y.tolist() for y in labels],
        "tensors": [{"name": n, "shape": list(first[n].shape), "trained": n in exact, "crc32": crc32(first[n])} for n in names],
        "loss": loss,
        "logits": logits.reshape(-1).tolist(),
        "float32GradientError": errors[worst],
        "zeroGradients": zero,
        "gradients": {n: summary(exact[n], PROJECTION_SEED + i) for i, n in enumerate(names) if n in exact and n not in zero},
        "runs": runs,
    }


def shorten(value):
    """Nine significant digits: what a float32 can tell apart."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [shorten(v) for v in value]
    if isinstance(value, dict):
        return {k: shorten(v) for k, v in value.items()}
    return value


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    folder = pathlib.Path(__file__).resolve().parent.parent / "Thomas.Tests" / "Reference"
    folder.mkdir(exist_ok=True)
    for name in sys.argv[1:] or NETS:
        text = json.dumps(shorten(record(name)), separators=(",", ":"))
        # One tensor a line keeps differences readable.
        text = text.replace("},\"", "},\n\"").replace("},{", "},\n{")
        (folder / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(text) // 1024} KiB")


if __name__ == "__main__":
    main()
