namespace Thomas.Kernels;

/// <summary>Takes in the rows of a result as they are written, while a near cache still holds them.</summary>
internal unsafe interface IRowSink
{
    /// <summary>
    /// Takes in some rows. Those of a band (see <see cref="Reduce.RowBands"/>) come in order, from one thread, and in pieces that end with it; columns may come in any order.
    /// </summary>
    /// <param name="first">First element.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="row">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="column">First column.</param>
    /// <param name="columns">Number of columns.</param>
    void Take(float* first, nint stride, int row, int rows, int column, int columns);
}
