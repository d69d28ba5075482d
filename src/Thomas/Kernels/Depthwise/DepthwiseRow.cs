namespace Thomas.Kernels.Depthwise;

/// <summary>Pointers and steps for a row of output pixels, or for two rows one above the other; all steps in floats.</summary>
internal unsafe struct DepthwiseRow
{
    /// <summary>Input at column 0 of the first tap row that is used; of two rows, of the upper one's first tap row, used or not.</summary>
    public float* X;

    /// <summary>From one tap row to the next.</summary>
    public nint RowStep;

    /// <summary>
    /// Where the input rows lie in a ring: the number of tap rows after which it starts again, <see cref="WrapStep"/> from the last of them; else 0.
    /// </summary>
    public int Wrap;

    /// <summary>From the last row of the ring to its first.</summary>
    public nint WrapStep;

    /// <summary>From one input pixel to the next.</summary>
    public nint PixelStep;

    /// <summary>Filter at the first tap of the first tap row that is used; of two rows, of the first tap row.</summary>
    public float* W;

    /// <summary>Filter: from one tap row to the next.</summary>
    public nint FilterRowStep;

    /// <summary>Bias, or null.</summary>
    public float* Bias;

    /// <summary>First output pixel.</summary>
    public float* Y;

    /// <summary>From one output pixel to the next.</summary>
    public nint YStep;

    /// <summary>From the upper output row to the lower one.</summary>
    public nint YRowStep;

    /// <summary>Channels; also the step between taps of the filter.</summary>
    public int Channels;

    /// <summary>Tap rows that are used.</summary>
    public int Rows;

    /// <summary>Whether the upper row's first tap row lies in the input.</summary>
    public bool HasTop;

    /// <summary>Whether the lower row's last tap row lies in the input.</summary>
    public bool HasBottom;

    /// <summary>Absent columns left of the input.</summary>
    public int Pad;

    /// <summary>Input columns.</summary>
    public int Columns;

    /// <summary>Output pixels.</summary>
    public int Pixels;

    /// <summary>Lower bound of the results.</summary>
    public float Lower;

    /// <summary>Upper bound of the results.</summary>
    public float Upper;

    /// <summary>What to fetch meanwhile, or null.</summary>
    public DepthwiseAhead* Ahead;

    /// <summary>From tap row <paramref name="row"/> - 1 to the next.</summary>
    public readonly nint StepTo(int row) => row == Wrap ? WrapStep : RowStep;
}
