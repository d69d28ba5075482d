namespace Thomas.Training;

/// <summary>The inputs of one run of the step graph, in memory of their own until they are copied there.</summary>
/// <param name="rows">Images.</param>
/// <param name="inputLength">Numbers of an image.</param>
/// <param name="classes">Classes.</param>
internal sealed class Batch(int rows, int inputLength, int classes)
{
    /// <summary>The label of rows that do not count towards the training accuracy: empty, or there for the second time in the epoch.</summary>
    public const int NotCounted = -1;

    /// <summary>Normalized images, NHWC.</summary>
    public float[] Images { get; } = new float[rows * inputLength];

    /// <summary>Target distributions [rows, classes].</summary>
    public float[] Targets { get; } = new float[rows * classes];

    /// <summary>Factors on the losses of the rows.</summary>
    public float[] Weights { get; } = new float[rows];

    /// <summary>Class of each row, the larger share of a mixed one; or <see cref="NotCounted"/>.</summary>
    public int[] Labels { get; } = new int[rows];

    /// <summary>Bytes of a batch of these sizes.</summary>
    public static long BytesOf(int rows, int inputLength, int classes) => 4L * rows * (inputLength + classes + 2);
}
