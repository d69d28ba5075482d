using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Ops;

/// <summary>
/// Inverted residuals: for the sweep, and for comparison with their parts, each small enough for the definition but with several bands, groups or blocks of k.
/// </summary>
internal static class BlockCases
{
    /// <summary>
    /// Windows 3x3 and 5x5 with strides 1 and 2, and odd ones: even padding, none, dilated in width, wider than high, strides beyond the window.
    /// </summary>
    private static readonly Window2d[] Windows =
    [
        Window(3, 3, 1, 1, 1, 1, 1, 1), Window(3, 3, 2, 2, 0, 0, 1, 1), Window(5, 5, 1, 1, 2, 2, 2, 2), Window(5, 5, 2, 2, 1, 2, 2, 2),
        Window(3, 3, 1, 1, 0, 0, 0, 0),
        Window(3, 3, 1, 1, 1, 2, 1, 2, 2), Window(2, 4, 1, 1, 0, 1, 1, 2), Window(1, 1, 1, 1, 0, 0, 0, 0), Window(2, 2, 3, 3, 0, 0, 0, 0),
        Window(4, 3, 1, 2, 3, 1, 3, 0),
    ];

    public static IEnumerable<OpCase> All()
    {
        foreach (Window2d window in Windows)
        {
            yield return Block(S(1, 11, 13, 5), 21, window, 6);
            yield return Block(S(2, 9, 10, 0), 19, window, 7);
            yield return Block(S(1, 10, 12, 6), 20, window, 0);
        }

        // Channels in fours.
        foreach (Window2d window in Windows) yield return Block(S(2, 11, 19, 8), 20, window, 12);
        yield return Block(S(1, 21, 18, 12), 36, Windows[0], 12, residual: true);
        yield return Block(S(1, 9, 10, 0), 24, Windows[1], 20, projectBias: false);
        yield return Block(S(1, 7, 7, 40), 20, Windows[0], 340, expandBias: false, depthwiseBias: false, residual: true);

        // With groups and bands, biases in part, a residual, sums of k in blocks that end inside a group.
        yield return Block(S(1, 23, 26, 9), 104, Windows[0], 9, residual: true);
        yield return Block(S(3, 33, 12, 4), 37, Windows[1], 33);
        yield return Block(S(1, 40, 30, 3), 40, Windows[2], 3, expandBias: false, projectBias: false, residual: true);
        yield return Block(S(2, 8, 7, 3), 676, Windows[0], 40, depthwiseBias: false, residual: true, project: new Activation(ActivationKind.HardSwish));
        yield return Block(S(1, 6, 5, 0), 1031, Windows[0], 34, residual: true);
        yield return Block(S(1, 5, 4, 0), 512, Windows[3], 5);
        yield return Block(S(5, 4, 5, 514), 33, Windows[0], 35);
        yield return Block(S(2, 31, 24, 7), 139, Windows[0], 0, depthwiseBias: false);
        foreach (Activation activation in OpCases.Activations)
        {
            yield return Block(S(1, 6, 7, 4), 35, Windows[0], 5, expand: activation, depthwise: activation, project: activation);
            yield return Block(S(1, 6, 7, 4), 12, Windows[0], 8, expand: activation, depthwise: activation, project: activation);
            yield return Block(S(1, 6, 7, 4), 35, Windows[0], 0, expand: activation, depthwise: activation);
        }
    }

    /// <summary>A case.</summary>
    /// <param name="x">The input; with 0 channels there is no expansion, and it has the hidden ones.</param>
    /// <param name="hidden">Channels between.</param>
    /// <param name="window">Of the depthwise convolution.</param>
    /// <param name="outputs">Channels of the projection; with 0 there is none.</param>
    /// <param name="expandBias">Whether the expansion has a bias.</param>
    /// <param name="depthwiseBias">Whether the depthwise convolution has one.</param>
    /// <param name="projectBias">Whether the projection has one.</param>
    /// <param name="residual">Whether the projection adds a residual.</param>
    /// <param name="expand">Activation of the expansion.</param>
    /// <param name="depthwise">Activation of the depthwise convolution.</param>
    /// <param name="project">Activation of the projection.</param>
    public static OpCase Block(
        Shape x, int hidden, Window2d window, int outputs, bool expandBias = true, bool depthwiseBias = true, bool projectBias = true, bool residual = false,
        Activation? expand = null, Activation? depthwise = null, Activation project = default)
    {
        bool expands = x[3] > 0, projects = outputs > 0;
        if (!expands) x = S(x[0], x[1], x[2], hidden);
        List<Shape> shapes = [x];
        if (expands) Add(shapes, S(hidden, 1, 1, x[3]), expandBias, hidden);
        Add(shapes, S(1, window.KernelH, window.KernelW, hidden), depthwiseBias, hidden);
        if (projects) Add(shapes, S(outputs, 1, 1, hidden), projectBias, outputs);
        if (residual) shapes.Add(S(x[0], window.OutputH(x[1]), window.OutputW(x[2]), outputs));
        Window2d one = new(1, 1);
        InvertedResidualAttributes attributes = new(
            expands ? new Conv2dAttributes(one, HasBias: expandBias, Activation: expand ?? Activation.Relu6) : null,
            new DepthwiseConv2dAttributes(window, depthwiseBias, depthwise ?? Activation.Clip(-1.5f, 2)),
            projects ? new Conv2dAttributes(one, HasBias: projectBias, HasResidual: residual, Activation: project) : null);
        return new OpCase(OpCatalog.InvertedResidual, attributes, [.. shapes], -1, 1);
    }

    private static void Add(List<Shape> shapes, Shape filter, bool hasBias, int outputs)
    {
        shapes.Add(filter);
        if (hasBias) shapes.Add(S(outputs));
    }

    private static Shape S(params int[] dims) => new(dims);

    private static Window2d Window(int kH, int kW, int sH, int sW, int top, int left, int bottom, int right, int dW = 1) =>
        new(kH, kW, sH, sW, 1, dW, new Padding2d(top, left, bottom, right));
}
