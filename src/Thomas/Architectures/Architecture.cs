using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Graphs;

namespace Thomas.Architectures;

/// <summary>A place where the published network drops activations while it is trained (Srivastava et al. 2014). Graphs hold no such node.</summary>
/// <param name="Weight">Name of the weight of the layer whose operand is dropped.</param>
/// <param name="Rate">Share of the activations that becomes zero.</param>
public readonly record struct DropoutPlace(string Weight, float Rate);

/// <summary>
/// A published network that can be built with random weights, to be trained from scratch. Its graph is ordinary: NHWC input <c>input</c> [1,h,w,c], output
/// <c>logits</c> [1,classes], no softmax. Constants have the names of the PyTorch implementation that <see cref="Description"/> says
/// (<c>features.0.0.weight</c>,
/// <c>features.0.1.running_mean</c>), in the layouts of Thomas: filters OHWI, depthwise filters [1,kH,kW,c], dense weights [o,i].
/// </summary>
public sealed record Architecture
{
    private const int SmallestClassCount = 2;
    private const int LargestSize = 16384;
    private const float LargestWidthMultiplier = 4;

    private readonly Func<ArchitectureOptions, Graph> _build;

    internal Architecture(Func<ArchitectureOptions, Graph> build) => _build = build;

    /// <summary>The name to ask for it by, for example <c>mobilenet-v2</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, and whose weight names and paddings it has.</summary>
    public required string Description { get; init; }

    /// <summary>Authors, title, year.</summary>
    public required string Paper { get; init; }

    /// <summary>Height and width of the published input in pixels.</summary>
    public required int DefaultSize { get; init; }

    /// <summary>Channels of the published input.</summary>
    public required int DefaultChannels { get; init; }

    /// <summary>Number of classes of the published network.</summary>
    public required int DefaultClasses { get; init; }

    /// <summary>
    /// Trained parameters of the published network: weights and biases, scales and shifts of batch normalization; not its running statistics.
    /// </summary>
    public required long ParameterCount { get; init; }

    /// <summary>Least height and width for which every layer has an output.</summary>
    public required int MinimumSize { get; init; }

    /// <summary>Whether the paper scales the channels by a width multiplier.</summary>
    public bool HasWidthMultiplier { get; init; }

    /// <summary>Where activations are dropped in training.</summary>
    public IReadOnlyList<DropoutPlace> Dropouts { get; init; } = [];

    /// <summary>
    /// Name of the dense weight [o, h*w*c] whose operand is a flattened feature map [h,w,c]; null where pooling leaves one pixel. Its columns are in NHWC order
    /// here and in NCHW order in PyTorch: <c>column = (y * w + x) * c + channel</c> against <c>(channel * h + y) * w + x</c>. The map is the operand of the
    /// reshape before the layer.
    /// </summary>
    public string? FlattenedWeight { get; init; }

    /// <summary>In what its copies differ, beside the width.</summary>
    public IReadOnlyList<ArchitectureVariant> Variants { get; init; } = [];

    /// <summary>Variants that show in the weights, to be tried on a file of weights; the published network first.</summary>
    internal string[] Structures { get; init; } = [""];

    /// <summary>Input sizes that show in the weights, likewise; empty where none does.</summary>
    internal int[] Sizes { get; init; } = [];

    /// <summary>Builds the network for a batch of one with random weights.</summary>
    /// <param name="options">Classes, input, width, seed.</param>
    /// <returns>The graph.</returns>
    /// <exception cref="ThomasException">An option does not fit the network; the message says which and what fits.</exception>
    public Graph Build(ArchitectureOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArchitectureOptions complete = options with
        {
            Height = options.Height == 0 ? DefaultSize : options.Height,
            Width = options.Width == 0 ? DefaultSize : options.Width,
            Channels = options.Channels == 0 ? DefaultChannels : options.Channels,
        };
        Check(complete);
        return _build(complete);
    }

    private void Check(ArchitectureOptions options)
    {
        VariantWords.Check(this, options.Variant);
        if (options.Classes < SmallestClassCount)
        {
            throw new ThomasException($"{Name}: {options.Classes} classes were requested; a classifier needs at least {SmallestClassCount}.");
        }

        if (Math.Min(options.Height, options.Width) < MinimumSize || Math.Max(options.Height, options.Width) > LargestSize)
        {
            throw new ThomasException(
                $"{Name}: the input of {options.Width}x{options.Height} pixels does not fit; each side must be {MinimumSize} to {LargestSize}.");
        }

        if (options.Channels < 1)
        {
            throw new ThomasException($"{Name}: the input has {options.Channels} channels; it needs at least 1.");
        }

        if (!(options.WidthMultiplier is > 0 and <= LargestWidthMultiplier))
        {
            throw new ThomasException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}: the width multiplier is {options.WidthMultiplier}; it must be above 0 and at most {LargestWidthMultiplier}."));
        }

        if (options.WidthMultiplier != 1 && !HasWidthMultiplier)
        {
            throw new ThomasException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}: the width multiplier is {options.WidthMultiplier}, but this network is defined for 1 only; leave it out."));
        }
    }
}
