namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Rows of x one below the other that meet as many rows of dy with the same taps: pointers and steps for <see cref="DepthwiseJointRows"/>, all in floats.
/// </summary>
internal unsafe struct DepthwiseJointRun
{
    /// <summary>First row of x.</summary>
    public float* X;

    /// <summary>From x to dx, which lies alike and may be the same memory.</summary>
    public nint Dx;

    /// <summary>From one row of x to the next of the run.</summary>
    public nint XRowStep;

    /// <summary>Rows of x.</summary>
    public int Rows;

    /// <summary>Upper row of dy that the first row of x meets; every further row of x begins a row of dy lower.</summary>
    public float* Dy;

    /// <summary>From one row of dy to the next.</summary>
    public nint DyRowStep;

    /// <summary>Rows of dy that a row of x meets.</summary>
    public int TapRows;

    /// <summary>Filter at the tap row of the upper row of dy.</summary>
    public float* W;

    /// <summary>Sums of the filter's gradient at that tap row.</summary>
    public float* Sums;

    /// <summary>Filter and sums: from the tap row of a row of dy to that of the row below it.</summary>
    public nint TapRowStep;

    /// <summary>Channels; also the step between taps of a row and between pixels.</summary>
    public int Channels;

    /// <summary>Absent columns left of x.</summary>
    public int Pad;

    /// <summary>Columns of x.</summary>
    public int Columns;

    /// <summary>Columns of dy.</summary>
    public int Pixels;

    /// <summary>Sums of dx over the pixels; not used where x was not clipped.</summary>
    public float* BiasSums;

    /// <summary>dx passes where x is above this.</summary>
    public float Lower;

    /// <summary>dx passes where x is at most this.</summary>
    public float Last;

    /// <summary>What is fetched while the run is computed, a vector for each that is read of x: the rows of x that come after it.</summary>
    public float* AheadX;

    /// <summary>The same of dy.</summary>
    public float* AheadDy;

    /// <summary>Whether <see cref="AheadX"/> and <see cref="AheadDy"/> move on.</summary>
    public bool Fetches;
}
