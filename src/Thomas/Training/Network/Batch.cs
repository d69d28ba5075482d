using System;

namespace Thomas.Training;

/// <summary>Where the inputs of one run of the step graph are written.</summary>
/// <param name="inputs">Images, normalized and NHWC, or rows of features.</param>
/// <param name="targets">Target distributions [rows, classes].</param>
/// <param name="weights">Factors on the losses of the rows.</param>
/// <param name="labels">Class of each row, the larger share of a mixed one; or <see cref="Batch.NotCounted"/>.</param>
internal readonly ref struct BatchSpans(Span<float> inputs, Span<float> targets, Span<float> weights, Span<int> labels)
{
    /// <summary>Images, normalized and NHWC, or rows of features.</summary>
    public Span<float> Inputs { get; } = inputs;

    /// <summary>Target distributions [rows, classes].</summary>
    public Span<float> Targets { get; } = targets;

    /// <summary>Factors on the losses of the rows.</summary>
    public Span<float> Weights { get; } = weights;

    /// <summary>Class of each row, the larger share of a mixed one; or <see cref="Batch.NotCounted"/>.</summary>
    public Span<int> Labels { get; } = labels;
}

/// <summary>The inputs of one run of the step graph, in memory of their own until they are copied there.</summary>
/// <param name="rows">Samples.</param>
/// <param name="inputLength">Numbers of a sample.</param>
/// <param name="classes">Classes.</param>
internal sealed class Batch(int rows, int inputLength, int classes)
{
    /// <summary>The label of rows that do not count towards the training accuracy: empty, or there for the second time in the epoch.</summary>
    public const int NotCounted = -1;

    private readonly float[] _inputs = new float[rows * inputLength];
    private readonly float[] _targets = new float[rows * classes];
    private readonly float[] _weights = new float[rows];
    private readonly int[] _labels = new int[rows];

    /// <summary>All of it.</summary>
    public BatchSpans Spans => new(_inputs, _targets, _weights, _labels);

    /// <summary>Bytes of a batch of these sizes.</summary>
    public static long BytesOf(int rows, int inputLength, int classes) => 4L * rows * (inputLength + classes + 2);

    /// <summary>Copies it.</summary>
    public void CopyTo(BatchSpans spans)
    {
        _inputs.CopyTo(spans.Inputs);
        _targets.CopyTo(spans.Targets);
        _weights.CopyTo(spans.Weights);
        _labels.CopyTo(spans.Labels);
    }
}
