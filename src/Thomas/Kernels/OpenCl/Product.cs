using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>How an operand of a product lies in memory.</summary>
internal enum MatrixForm
{
    /// <summary>The axis that is summed over is inner in a, outer in b: [m][k] and [k][n].</summary>
    Rows,

    /// <summary>The other way round: [k][m] and [n][k].</summary>
    Columns,

    /// <summary>Patches of images, which are gathered while they are read.</summary>
    Patches,

    /// <summary>b only: filters of a convolution, read for the gradient of its input.</summary>
    Taps,
}

/// <summary>Which operands of a product, and whether its result, lie in memory as 16-bit floats.</summary>
/// <param name="A">a.</param>
/// <param name="B">b.</param>
/// <param name="C">c.</param>
/// <param name="Residual">What is added to c.</param>
internal readonly record struct ProductHalves(bool A, bool B, bool C, bool Residual)
{
    /// <summary>Those of a product, by the operands of its node.</summary>
    public static ProductHalves Of(Product product, HalfOperands halves) => new(
        halves.Contains(product.A), halves.Contains(product.B), halves.Contains(product.C), product.Residual is LaunchArgument added && halves.Contains(added));

    /// <summary>Their letters, as in <c>-half-ac</c>; empty for none.</summary>
    public override string ToString() => this == default ? "" : $"-half-{(A ? "a" : "")}{(B ? "b" : "")}{(C ? "c" : "")}{(Residual ? "r" : "")}";
}

/// <summary>
/// c[m, n] = f(sum over k of a(m, k) * b(k, n) + bias[n] + residual[m, n]), several of them: all matrix work of dense layers, convolutions and their gradients.
/// Sizes and distances are in floats.
/// </summary>
internal sealed record Product
{
    /// <summary>Rows of the result.</summary>
    public required int M { get; init; }

    /// <summary>Columns of the result.</summary>
    public required int N { get; init; }

    /// <summary>Length of the sums.</summary>
    public required int K { get; init; }

    /// <summary>How many products; groups of channels in a convolution.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Form of a.</summary>
    public MatrixForm FormA { get; init; }

    /// <summary>Form of b.</summary>
    public MatrixForm FormB { get; init; }

    /// <summary>From line to line in a, of patches from pixel to pixel.</summary>
    public required int LdA { get; init; }

    /// <summary>From line to line in b; of patches from pixel to pixel, of taps from tap to tap.</summary>
    public required int LdB { get; init; }

    /// <summary>From row to row in c.</summary>
    public required int LdC { get; init; }

    /// <summary>From product to product in a.</summary>
    public int StepA { get; init; }

    /// <summary>From product to product in b.</summary>
    public int StepB { get; init; }

    /// <summary>From product to product in c.</summary>
    public int StepC { get; init; }

    /// <summary>The convolution that patches and taps belong to, with its channels a group; those of the output for the gradient of the input.</summary>
    public ConvGeometry Window { get; init; } = new(1, 1, 1, 1, 1, 1, 1, 1, 1);

    /// <summary>Whether the patches are those of a gradient of the input: pixels of the input, read from the output.</summary>
    public bool IsBackward { get; init; }

    /// <summary>Whether no numbers are read or written as vectors.</summary>
    public bool IsScalar { get; init; }

    /// <summary>Whether b is a constant, so that it need be brought into another form only once.</summary>
    public bool IsConstantB { get; init; }

    /// <summary>f.</summary>
    public Activation Activation { get; init; }

    /// <summary>Memory of a.</summary>
    public LaunchArgument A { get; init; } = LaunchArgument.Input(0);

    /// <summary>Memory of b.</summary>
    public LaunchArgument B { get; init; } = LaunchArgument.Input(1);

    /// <summary>Memory of c.</summary>
    public LaunchArgument C { get; init; } = LaunchArgument.Output();

    /// <summary>Memory of the bias [count * n]; null for none.</summary>
    public LaunchArgument? Bias { get; init; }

    /// <summary>Memory of what is added to c, which lies as c does; null for nothing.</summary>
    public LaunchArgument? Residual { get; init; }

    /// <summary>
    /// Memory of the result's moments over its rows: mean, variance (divided by the count) and what the mean lost when it was rounded, [count * n] each. Null
    /// where they are not wanted. The products of a result with moments lie side by side in its rows.
    /// </summary>
    public (LaunchArgument Mean, LaunchArgument Variance, LaunchArgument Lost)? Moments { get; init; }

    /// <summary>Which of all that lies in memory as 16-bit floats.</summary>
    public ProductHalves Halves { get; init; }

    /// <summary>Taps of the window; 1 where there is none.</summary>
    public int Taps => Window.KernelH * Window.KernelW;

    /// <summary>Floats of all of c.</summary>
    public long SizeC => Count == 1 || StepC < LdC ? (long)M * LdC : (long)Count * StepC;

    /// <summary>
    /// Whether it is the gradient of a filter or of a dense layer's weights, which families without local memory have a kernel of their own for.
    /// </summary>
    public bool IsFilter => FormB == MatrixForm.Patches || (FormA == MatrixForm.Columns && FormB == MatrixForm.Rows && Count == 1);

    /// <summary>Floats from the beginning of a to its end.</summary>
    public long SizeA => FormA switch
    {
        MatrixForm.Rows => ((Count - 1L) * StepA) + ((M - 1L) * LdA) + K,
        MatrixForm.Columns => ((Count - 1L) * StepA) + ((K - 1L) * LdA) + M,
        _ => (long)Window.Batch * (IsBackward ? Window.OutH * Window.OutW : Window.InH * Window.InW) * LdA,
    };

    /// <summary>Floats from the beginning of b to its end.</summary>
    public long SizeB => FormB switch
    {
        MatrixForm.Rows or MatrixForm.Taps => ((Count - 1L) * StepB) + ((K - 1L) * LdB) + N,
        MatrixForm.Columns => ((Count - 1L) * StepB) + ((N - 1L) * LdB) + K,
        _ => (long)Window.Batch * Window.InH * Window.InW * LdB,
    };
}
