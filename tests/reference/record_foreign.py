#!/usr/bin/env python3
"""Records names, sizes and logits of networks as other repositories write them: the reference of Thomas' loading of foreign weights.

    python3 record_foreign.py                writes ../Thomas.Tests/Reference/foreign.json.gz
    python3 record_foreign.py --files DIR    also writes the state dicts, for trying them on the command line

Needs torch, torchvision and numpy; recorded with Debian's python3-torch 1.13. Weights and inputs are not stored: both sides make them
with noise(). The networks are written here anew after the named repositories: their layers, in their order, under their names.
"""

import gzip
import json
import math
import pathlib
import sys
from collections import OrderedDict

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

INPUT = 99991


def noise(count, seed):
    """float32 numbers in [-1, 1), exact on every machine: the upper 24 bits of a mixed 32-bit counter."""
    x = np.arange(1, count + 1, dtype=np.uint64) * 2654435761 + (seed + 1) * 2246822519
    x = (x & 0xFFFFFFFF).astype(np.uint32)
    x ^= x >> np.uint32(15)
    x *= np.uint32(2246822519)
    x ^= x >> np.uint32(13)
    x *= np.uint32(3266489917)
    x ^= x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float64) / 8388608 - 1).astype(np.float32)


def fill(model):
    """Gives the floats of a state dict values by their position in it: Kaiming uniform filters, other numbers near those of a new network."""
    state = model.state_dict()
    for position, (name, tensor) in enumerate(state.items()):
        if not tensor.is_floating_point():
            continue
        values = noise(tensor.numel(), position).reshape(tuple(tensor.shape))
        if tensor.dim() > 1:
            values *= np.float32(math.sqrt(6 / (tensor.numel() / tensor.shape[0])))
        elif name.endswith("running_var"):
            values = 1 + values * np.float32(0.5)
        elif name.endswith("weight"):
            values = 1 + values * np.float32(0.25)
        else:
            values *= np.float32(0.25)
        tensor.copy_(torch.from_numpy(values))
    return model.eval()


def divisible(value):
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def named(*parts):
    return nn.Sequential(OrderedDict(parts))


class Add(nn.Module):
    """body(x) + shortcut(x)."""

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


STAGES_V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
PAIRS_V1 = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)]
# kernel, expanded, channels, excitation, hard swish, stride
SMALL_V3 = [(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1), (5, 240, 40, 1, 1, 1),
            (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1), (5, 576, 96, 1, 1, 1)]
LARGE_V3 = [(3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1),
            (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
            (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1)]


class Pool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def conv(i, o, k, s=1, g=1, bias=False):
    return nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=bias)


# tonylins/pytorch-mobilenet-v2 and d-li14/mobilenetv2.pytorch: numbered layers inside a block
class NumberedBlock(nn.Module):
    def __init__(self, i, o, stride, t):
        super().__init__()
        h = i * t
        layers = [] if t == 1 else [conv(i, h, 1), nn.BatchNorm2d(h), nn.ReLU6()]
        self.conv = nn.Sequential(*layers, conv(h, h, 3, stride, h), nn.BatchNorm2d(h), nn.ReLU6(), conv(h, o, 1), nn.BatchNorm2d(o))
        self.identity = stride == 1 and i == o

    def forward(self, x):
        return x + self.conv(x) if self.identity else self.conv(x)


class NumberedV2(nn.Module):
    def __init__(self, width, classes, inside):
        super().__init__()
        c = divisible(32 * width)
        features = [nn.Sequential(conv(3, c, 3, 2), nn.BatchNorm2d(c), nn.ReLU6())]
        for t, o, n, s in STAGES_V2:
            o = divisible(o * width)
            for k in range(n):
                features.append(NumberedBlock(c, o, s if k == 0 else 1, t))
                c = o
        last = nn.Sequential(conv(c, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6())
        if inside:  # tonylins
            self.features = nn.Sequential(*features, last)
            self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))
        else:  # d-li14
            self.features = nn.Sequential(*features)
            self.conv = last
            self.classifier = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.features(x)
        if hasattr(self, "conv"):
            x = self.conv(x)
        return self.classifier(x.mean((2, 3)))


# timm
class SameConv(nn.Conv2d):
    """TensorFlow's padding."""

    def forward(self, x):
        pads = []
        for size, k, s in ((x.shape[3], self.kernel_size[1], self.stride[1]), (x.shape[2], self.kernel_size[0], self.stride[0])):
            total = max((math.ceil(size / s) - 1) * s + k - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class TimmSe(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_reduce = conv(c, divisible(c * 0.25), 1, bias=True)
        self.conv_expand = conv(divisible(c * 0.25), c, 1, bias=True)

    def forward(self, x):
        return x * F.hardsigmoid(self.conv_expand(F.relu(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class Timm(nn.Module):
    """conv_stem, bn1, blocks of (kind, kernel, expanded, channels, excitation, activation, stride), conv_head, classifier."""

    def __init__(self, stem, blocks, act, head, classes, eps=1e-5, same=False):
        super().__init__()

        def cv(i, o, k, s=1, g=1, bias=False):
            return SameConv(i, o, k, s, 0, groups=g, bias=bias) if same else conv(i, o, k, s, g, bias)

        def bn(c):
            return nn.BatchNorm2d(c, eps=eps)

        class Block(nn.Module):
            def __init__(self, kind, i, k, h, o, se, act, s):
                super().__init__()
                self.kind, self.act, self.skip = kind, act, s == 1 and i == o and kind in ("ds", "ir")
                if kind == "cn":
                    self.conv, self.bn1 = cv(i, o, 1), bn(o)
                    return
                if kind == "ir":
                    self.conv_pw, self.bn1 = cv(i, h, 1), bn(h)
                self.conv_dw = cv(h, h, k, s, h)
                setattr(self, "bn2" if kind == "ir" else "bn1", bn(h))
                if se:
                    self.se = TimmSe(h)
                setattr(self, "conv_pwl" if kind == "ir" else "conv_pw", cv(h, o, 1))
                setattr(self, "bn3" if kind == "ir" else "bn2", bn(o))

            def forward(self, x):
                if self.kind == "cn":
                    return self.act(self.bn1(self.conv(x)))
                y = self.act(self.bn1(self.conv_pw(x))) if self.kind == "ir" else x
                y = self.act((self.bn2 if self.kind == "ir" else self.bn1)(self.conv_dw(y)))
                if hasattr(self, "se"):
                    y = self.se(y)
                y = self.bn3(self.conv_pwl(y)) if self.kind == "ir" else self.bn2(self.conv_pw(y))
                if self.kind == "dsa":
                    y = self.act(y)
                return x + y if self.skip else y

        self.act, self.head = act, head
        self.conv_stem, self.bn1 = cv(3, stem, 3, 2), bn(stem)
        stages, c = [], stem
        for stage in blocks:
            made = []
            for kind, k, h, o, se, a, s in stage:
                made.append(Block(kind, c, k, h or c, o, se, a, s))
                c = o
            stages.append(nn.Sequential(*made))
        self.blocks = nn.Sequential(*stages)
        if head[0] == "v2":
            self.conv_head, self.bn2 = cv(c, head[1], 1), bn(head[1])
            c = head[1]
        elif head[0] == "v3":
            self.conv_head = nn.Conv2d(c, head[1], 1)
            c = head[1]
        self.classifier = nn.Linear(c, classes)

    def forward(self, x):
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        if self.head[0] == "v2":
            x = self.act(self.bn2(self.conv_head(x)))
        x = x.mean((2, 3), keepdim=True)
        if self.head[0] == "v3":
            x = self.act(self.conv_head(x))
        return self.classifier(x.flatten(1))


def timm_v1(width, classes):
    blocks = []
    for c, s in PAIRS_V1:
        block = ("dsa", 3, None, divisible(c * width), 0, F.relu6, s)
        if s == 2 or not blocks:
            blocks.append([block])
        else:
            blocks[-1].append(block)
    return Timm(divisible(32 * width), blocks, F.relu6, ("v1",), classes)


def timm_v2(width, classes):
    blocks, c = [], divisible(32 * width)
    for t, o, n, s in STAGES_V2:
        o, stage = divisible(o * width), []
        for k in range(n):
            stage.append(("ds" if t == 1 else "ir", 3, c * t, o, 0, F.relu6, s if k == 0 else 1))
            c = o
        blocks.append(stage)
    return Timm(divisible(32 * width), blocks, F.relu6, ("v2", max(1280, divisible(1280 * width))), classes)


def timm_v3(rows, hidden, width, classes, eps=1e-5, same=False, minimal=False):
    blocks, i = [], 16
    c = divisible(16 * width) if width >= 0.75 else 16
    stem = c
    for n, (k, h, o, se, hs, s) in enumerate(rows):
        act = F.hardswish if hs and not minimal else F.relu
        expanded, out = divisible(c * h / i), divisible(o * width)
        block = ("ds" if n == 0 else "ir", 3 if minimal else k, expanded, out, se and not minimal, act, s)
        if s == 2 or n == 0 or (o != rows[n - 1][2]):
            blocks.append([block])
        else:
            blocks[-1].append(block)
        i, c = o, out
    act = F.relu if minimal else F.hardswish
    blocks.append([("cn", 1, None, divisible(6 * c), 0, act, 1)])
    return Timm(stem, blocks, act, ("v3", hidden), classes, eps, same)


# d-li14/mobilenetv3.pytorch: excitation before the activation where a block expands
class DliSe(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(c, divisible(c // 4)), nn.ReLU(), nn.Linear(divisible(c // 4), c), nn.Hardsigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class DliBlock(nn.Module):
    def __init__(self, i, h, o, k, s, se, hs):
        super().__init__()
        act = nn.Hardswish if hs else nn.ReLU
        excite = DliSe(h) if se else nn.Identity()
        if i == h:
            self.conv = nn.Sequential(conv(h, h, k, s, h), nn.BatchNorm2d(h), act(), excite, conv(h, o, 1), nn.BatchNorm2d(o))
        else:
            self.conv = nn.Sequential(conv(i, h, 1), nn.BatchNorm2d(h), act(), conv(h, h, k, s, h), nn.BatchNorm2d(h), excite, act(),
                                      conv(h, o, 1), nn.BatchNorm2d(o))
        self.identity = s == 1 and i == o

    def forward(self, x):
        return x + self.conv(x) if self.identity else self.conv(x)


class DliV3(nn.Module):
    def __init__(self, rows, hidden, classes):
        super().__init__()
        c, layers = 16, [nn.Sequential(conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.Hardswish())]
        for k, h, o, se, hs, s in rows:
            layers.append(DliBlock(c, h, o, k, s, se, hs))
            c = o
        self.features = nn.Sequential(*layers)
        self.conv = nn.Sequential(conv(c, 6 * c, 1), nn.BatchNorm2d(6 * c), nn.Hardswish())
        self.classifier = nn.Sequential(nn.Linear(6 * c, hidden), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.conv(self.features(x)).mean((2, 3)))


# kuangliu/pytorch-cifar
class KuangliuV1(nn.Module):
    class Block(nn.Module):
        def __init__(self, i, o, s):
            super().__init__()
            self.conv1, self.bn1 = conv(i, i, 3, s, i), nn.BatchNorm2d(i)
            self.conv2, self.bn2 = conv(i, o, 1), nn.BatchNorm2d(o)

        def forward(self, x):
            return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 32, 3), nn.BatchNorm2d(32)
        c, layers = 32, []
        for o, s in PAIRS_V1:
            layers.append(self.Block(c, o, s))
            c = o
        self.layers, self.linear = nn.Sequential(*layers), nn.Linear(1024, classes)

    def forward(self, x):
        return self.linear(F.avg_pool2d(self.layers(F.relu(self.bn1(self.conv1(x)))), 2).flatten(1))


class KuangliuV2(nn.Module):
    class Block(nn.Module):
        def __init__(self, i, o, t, s):
            super().__init__()
            h = i * t
            self.stride = s
            self.conv1, self.bn1 = conv(i, h, 1), nn.BatchNorm2d(h)
            self.conv2, self.bn2 = conv(h, h, 3, s, h), nn.BatchNorm2d(h)
            self.conv3, self.bn3 = conv(h, o, 1), nn.BatchNorm2d(o)
            self.shortcut = nn.Sequential()
            if s == 1 and i != o:
                self.shortcut = nn.Sequential(conv(i, o, 1), nn.BatchNorm2d(o))

        def forward(self, x):
            y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
            y = self.bn3(self.conv3(y))
            return y + self.shortcut(x) if self.stride == 1 else y

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 32, 3), nn.BatchNorm2d(32)
        c, layers = 32, []
        for t, o, n, s in STAGES_V2:
            for k in range(n):
                layers.append(self.Block(c, o, t, s if k == 0 and o != 24 else 1))
                c = o
        self.layers = nn.Sequential(*layers)
        self.conv2, self.bn2 = conv(320, 1280, 1), nn.BatchNorm2d(1280)
        self.linear = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(F.avg_pool2d(F.relu(self.bn2(self.conv2(x))), x.shape[2]).flatten(1))


# osmr/imgclsmob (pytorchcv)
def cv_block(i, o, k, s=1, g=1, act=None):
    parts = [("conv", conv(i, o, k, s, g)), ("bn", nn.BatchNorm2d(o))]
    return named(*parts, *([("activ", act)] if act else []))


def cv_v1(width, classes):
    c = int(32 * width)
    stages, unit = [("init_block", cv_block(3, c, 3, 2, act=nn.ReLU()))], []
    for o, s in PAIRS_V1:
        o = int(o * width)
        if s == 2 and unit:
            stages.append((f"stage{len(stages)}", named(*unit)))
            unit = []
        unit.append((f"unit{len(unit) + 1}", named(("dw_conv", cv_block(c, c, 3, s, c, nn.ReLU())), ("pw_conv", cv_block(c, o, 1, act=nn.ReLU())))))
        c = o
    stages.append((f"stage{len(stages)}", named(*unit)))
    return named(("features", named(*stages, ("final_pool", nn.AdaptiveAvgPool2d(1)))), ("flat", nn.Flatten()), ("output", nn.Linear(c, classes)))


class CvUnit(nn.Module):
    def __init__(self, i, o, t, s):
        super().__init__()
        h = i * t
        self.conv1, self.conv2, self.conv3 = cv_block(i, h, 1, act=nn.ReLU6()), cv_block(h, h, 3, s, h, nn.ReLU6()), cv_block(h, o, 1)
        self.residual = s == 1 and i == o

    def forward(self, x):
        y = self.conv3(self.conv2(self.conv1(x)))
        return x + y if self.residual else y


def cv_v2(width, classes):
    c = divisible(32 * width)
    stages, unit = [("init_block", cv_block(3, c, 3, 2, act=nn.ReLU6()))], []
    for t, o, n, s in STAGES_V2:
        o = divisible(o * width)
        if s == 2:
            stages.append((f"stage{len(stages)}", named(*unit)))
            unit = []
        for k in range(n):
            unit.append((f"unit{len(unit) + 1}", CvUnit(c, o, t, s if k == 0 else 1)))
            c = o
    stages.append((f"stage{len(stages)}", named(*unit)))
    features = named(*stages, ("final_block", cv_block(c, 1280, 1, act=nn.ReLU6())), ("final_pool", nn.AdaptiveAvgPool2d(1)))
    return named(("features", features), ("output", nn.Conv2d(1280, classes, 1, bias=False)), ("flat", nn.Flatten()))


class CvRes(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.body = named(("conv1", cv_block(i, o, 3, s, act=nn.ReLU())), ("conv2", cv_block(o, o, 3)))
        if s == 2:
            self.identity_conv = cv_block(i, o, 1, 2)

    def forward(self, x):
        return F.relu(self.body(x) + (self.identity_conv(x) if hasattr(self, "identity_conv") else x))


def cv_resnet20(classes):
    stages, c = [("init_block", cv_block(3, 16, 3, act=nn.ReLU()))], 16
    for n, o in enumerate((16, 32, 64)):
        unit = []
        for k in range(3):
            unit.append((f"unit{k + 1}", CvRes(c, o, 2 if k == 0 and n else 1)))
            c = o
        stages.append((f"stage{n + 1}", named(*unit)))
    return named(("features", named(*stages, ("final_pool", nn.AdaptiveAvgPool2d(1)))), ("flat", nn.Flatten()), ("output", nn.Linear(64, classes)))


# chenyaofo/pytorch-cifar-models
class Cifar20(nn.Module):
    class Block(nn.Module):
        def __init__(self, i, o, s, first):
            super().__init__()
            down = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if s == 2 else None
            if first:  # a shortcut that is made before the convolutions that it spans
                self.downsample = down
            self.conv1, self.bn1 = conv(i, o, 3, s), nn.BatchNorm2d(o)
            self.conv2, self.bn2 = conv(o, o, 3), nn.BatchNorm2d(o)
            self.downsample = down

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + (x if self.downsample is None else self.downsample(x)))

    def __init__(self, classes, first=False):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)
        c = 16
        for n, o in enumerate((16, 32, 64)):
            blocks = []
            for k in range(3):
                blocks.append(self.Block(c, o, 2 if n and k == 0 else 1, first))
                c = o
            setattr(self, f"layer{n + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


# LeNet-5
class KuangliuLeNet(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def activatedgeek():
    return named(
        ("convnet", named(("c1", nn.Conv2d(1, 6, 5)), ("relu1", nn.ReLU()), ("s2", nn.MaxPool2d(2)), ("c3", nn.Conv2d(6, 16, 5)), ("relu3", nn.ReLU()),
                          ("s4", nn.MaxPool2d(2)), ("c5", nn.Conv2d(16, 120, 5)), ("relu5", nn.ReLU()))),
        ("flat", nn.Flatten()), ("fc", named(("f6", nn.Linear(120, 84)), ("relu6", nn.ReLU()), ("f7", nn.Linear(84, 10)))))


def d2l():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))


def unpadded():
    return named(
        ("feature", nn.Sequential(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten())),
        ("classifier", nn.Sequential(nn.Linear(256, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))))


class OldMnist(nn.Module):
    """PyTorch's MNIST example of 2018: the sizes of Caffe's LeNet, with ReLU behind the convolutions."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.fc1, self.fc2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5), nn.Linear(800, 500), nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


# SqueezeNet
class Fire(nn.Module):
    def __init__(self, i, s, e):
        super().__init__()
        self.squeeze = named(("conv", nn.Conv2d(i, s, 1)), ("activ", nn.ReLU()))
        self.expand1x1 = named(("conv", nn.Conv2d(s, e, 1)), ("activ", nn.ReLU()))
        self.expand3x3 = named(("conv", nn.Conv2d(s, e, 3, padding=1)), ("activ", nn.ReLU()))

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat((self.expand1x1(x), self.expand3x3(x)), 1)


def cv_squeezenet(classes):
    stages, c = [("init_block", named(("conv", nn.Conv2d(3, 64, 3, 2)), ("activ", nn.ReLU())))], 64
    for n, units in enumerate(([128, 128], [256, 256], [384, 384, 512, 512])):
        parts = [(f"pool{n + 1}", nn.MaxPool2d(3, 2, ceil_mode=True))]
        for k, o in enumerate(units):
            parts.append((f"unit{k + 1}", Fire(c, o // 8, o // 2)))
            c = o
        stages.append((f"stage{n + 1}", named(*parts)))
    return named(("features", named(*stages)), ("output", named(("final_conv", nn.Conv2d(512, classes, 1)), ("final_activ", nn.ReLU()), ("pool", Pool()))))


# AlexNet with response normalization: dansuh17/alexnet-pytorch has the layers in one net, and Caffe's has groups
def alexnet_2012(groups, k, classes):
    return named(
        ("net", nn.Sequential(
            nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.LocalResponseNorm(5, 0.0001, 0.75, k), nn.MaxPool2d(3, 2), nn.Conv2d(96, 256, 5, padding=2, groups=groups),
            nn.ReLU(), nn.LocalResponseNorm(5, 0.0001, 0.75, k), nn.MaxPool2d(3, 2), nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=groups), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.ReLU(), nn.MaxPool2d(3, 2))),
        ("flat", nn.Flatten()),
        ("classifier", nn.Sequential(nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(),
                                     nn.Linear(4096, classes))))


def cifar_v2(width, classes):
    """chenyaofo/pytorch-cifar-models: torchvision's names, other strides."""
    model = torchvision.models.mobilenet_v2(width_mult=width, num_classes=classes)
    model.features[0][0].stride = (1, 1)
    model.features[2].conv[1][0].stride = (1, 1)
    return model


# name: model, architecture, width, size, channels, words that a person must give, whether the file is sorted by name
CASES = {
    "torchvision mobilenet_v2": (lambda: torchvision.models.mobilenet_v2(width_mult=0.35, num_classes=5), "mobilenet-v2", 0.35, 64, ""),
    "tonylins mobilenetv2": (lambda: NumberedV2(0.5, 7, True), "mobilenet-v2", 0.5, 64, ""),
    "d-li14 mobilenetv2": (lambda: NumberedV2(0.25, 7, False), "mobilenet-v2", 0.25, 64, ""),
    "timm mobilenetv2_140": (lambda: timm_v2(1.4, 3), "mobilenet-v2", 1.4, 32, ""),
    "timm mobilenetv2_050": (lambda: timm_v2(0.5, 3), "mobilenet-v2", 0.5, 64, ""),
    "pytorchcv mobilenetv2_wd4": (lambda: cv_v2(0.25, 5), "mobilenet-v2", 0.25, 64, ""),
    "kuangliu mobilenetv2": (lambda: KuangliuV2(10), "mobilenet-v2", 1, 32, ""),
    "chenyaofo cifar10_mobilenetv2_x0_5": (lambda: cifar_v2(0.5, 10), "mobilenet-v2", 0.5, 32, ""),
    "timm mobilenetv1_100": (lambda: timm_v1(1, 4), "mobilenet-v1", 1, 32, ""),
    "pytorchcv mobilenet_wd4": (lambda: cv_v1(0.25, 4), "mobilenet-v1", 0.25, 64, ""),
    "kuangliu mobilenet": (lambda: KuangliuV1(10), "mobilenet-v1", 1, 32, ""),
    "torchvision mobilenet_v3_small": (lambda: torchvision.models.mobilenet_v3_small(num_classes=6), "mobilenet-v3-small", 1, 64, ""),
    "timm mobilenetv3_small_100": (lambda: timm_v3(SMALL_V3, 1024, 1, 6), "mobilenet-v3-small", 1, 64, ""),
    "timm mobilenetv3_small_050": (lambda: timm_v3(SMALL_V3, 1024, 0.5, 6), "mobilenet-v3-small", 0.5, 64, ""),
    "timm mobilenetv3_large_100": (lambda: timm_v3(LARGE_V3, 1280, 1, 6), "mobilenet-v3-large", 1, 64, ""),
    "timm tf_mobilenetv3_large_075": (lambda: timm_v3(LARGE_V3, 1280, 0.75, 6, 1e-3, True), "mobilenet-v3-large", 0.75, 64, ""),
    "timm tf_mobilenetv3_small_minimal_100": (lambda: timm_v3(SMALL_V3, 1024, 1, 6, 1e-3, True, True), "mobilenet-v3-small", 1, 64, ""),
    "d-li14 mobilenetv3_small": (lambda: DliV3(SMALL_V3, 1024, 6), "mobilenet-v3-small", 1, 64, ""),
    "d-li14 mobilenetv3_large": (lambda: DliV3(LARGE_V3, 1280, 6), "mobilenet-v3-large", 1, 64, ""),
    "chenyaofo cifar10_resnet20": (lambda: Cifar20(10), "resnet20-b", 1, 32, ""),
    "resnet20 with shortcuts first": (lambda: Cifar20(10, True), "resnet20-b", 1, 32, ""),
    "pytorchcv resnet20_cifar10": (lambda: cv_resnet20(10), "resnet20-b", 1, 32, ""),
    "kuangliu lenet": (KuangliuLeNet, "lenet5-classic", 1, 32, ""),
    "tutorial lenet": (lambda: KuangliuLeNet(1), "lenet5-classic", 1, 32, ""),
    "activatedgeek lenet": (activatedgeek, "lenet5-classic", 1, 32, ""),
    "d2l lenet": (d2l, "lenet5-classic", 1, 28, "sigmoid,average"),
    "lenet of 28x28 with tanh": (unpadded, "lenet5-classic", 1, 28, "tanh"),
    "old MNIST example": (OldMnist, "lenet5", 1, 28, "relu"),
    "torchvision squeezenet1_0": (lambda: torchvision.models.squeezenet1_0(num_classes=5), "squeezenet-1.0", 1, 64, ""),
    "pytorchcv squeezenet_v1_1": (lambda: cv_squeezenet(5), "squeezenet", 1, 64, ""),
}
# Too long for a test in every run: written by --files alone.
LARGE = {
    "torchvision alexnet": (lambda: torchvision.models.alexnet(num_classes=5), "alexnet", 1, 224, ""),
    "dansuh17 alexnet": (lambda: alexnet_2012(1, 2, 5), "alexnet-2012", 1, 227, ""),
    "grouped alexnet": (lambda: alexnet_2012(2, 1, 5), "alexnet-2012", 1, 227, "norm-k1"),
}


def record(make, architecture, width, size, words):
    model = fill(make())
    state = model.state_dict()
    channels = next(iter(state.values())).shape[1]
    x = torch.from_numpy(noise(channels * size * size, INPUT).reshape(1, channels, size, size))
    with torch.no_grad():
        logits = model.double()(x.double())[0].tolist()
    tensors = [[name, list(tensor.shape)] for name, tensor in state.items() if tensor.is_floating_point()]
    positions = [i for i, tensor in enumerate(state.values()) if tensor.is_floating_point()]
    case = {"architecture": architecture, "width": width, "size": size, "channels": channels, "words": words, "logits": logits,
            "tensors": tensors, "positions": positions}
    return model.float(), case


def main():
    folder = pathlib.Path(sys.argv[sys.argv.index("--files") + 1]) if "--files" in sys.argv else None
    cases = {}
    with torch.no_grad():
        for name, entry in {**CASES, **(LARGE if folder else {})}.items():
            model, case = record(*entry)
            if name in CASES:
                cases[name] = case
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                torch.save(model.state_dict(), folder / (name.replace(" ", "_") + ".pth"))
                (folder / (name.replace(" ", "_") + ".json")).write_text(json.dumps(case))
            print(f"{name}: {len(case['tensors'])} tensors, logits {[round(v, 4) for v in case['logits'][:4]]}")
    path = pathlib.Path(__file__).parent.parent / "Thomas.Tests" / "Reference" / "foreign.json.gz"
    path.write_bytes(gzip.compress(json.dumps(cases, separators=(",", ":")).encode(), 9, mtime=0))
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
