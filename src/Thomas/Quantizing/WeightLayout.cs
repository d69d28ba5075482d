using Thomas.Graphs;

namespace Thomas.Quantizing;

/// <summary>Where the weights of an output channel lie in a layer's tensor.</summary>
internal readonly struct WeightLayout
{
    private readonly int _inner;

    /// <summary>Studies a tensor.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="axis">The axis of the output channels.</param>
    /// <param name="channels">Output channels.</param>
    public WeightLayout(Shape shape, int axis, int channels)
    {
        Channels = channels;
        Length = shape.ElementCount / channels;
        _inner = shape.Product(axis + 1, shape.Rank);
    }

    /// <summary>Output channels.</summary>
    public int Channels { get; }

    /// <summary>Weights of a channel, in the order of its window: row, column, input channel.</summary>
    public int Length { get; }

    /// <summary>The place of weight i of a channel.</summary>
    public int At(int channel, int i) => (i / _inner * Channels * _inner) + (channel * _inner) + (i % _inner);
}
