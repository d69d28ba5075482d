using System;
using System.Globalization;

namespace Thomas.Kernels.OpenCl;

/// <summary>What the speed of a product depends on: sizes, how its operands lie, and how they are read.</summary>
/// <param name="Form">
/// Forms of the operands, numbers read at once, the window, and what is stored as 16-bit floats; such as <c>rows-columns-44</c> or
/// <c>columns-patches-41-3x3/2x2-half-b</c>.
/// </param>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="K">Length of the sums.</param>
/// <param name="Count">How many products.</param>
internal readonly record struct ProductShape(string Form, int M, int N, int K, int Count)
{
    /// <summary>The shape of a product.</summary>
    public static ProductShape Of(Product product)
    {
        ConvGeometry w = product.Window;
        bool gathers = product.FormA == MatrixForm.Patches || product.FormB == MatrixForm.Patches;
        string window = gathers
            ? string.Create(CultureInfo.InvariantCulture, $"-{(product.IsBackward ? "back-" : "")}{w.KernelH}x{w.KernelW}/{w.StrideH}x{w.StrideW}") : "";
        string form = string.Create(
            CultureInfo.InvariantCulture,
            $"{product.FormA}-{product.FormB}-{ProductLaunches.WidthA(product)}{ProductLaunches.WidthB(product)}{window}{product.Halves}");
        return new ProductShape(form.ToLowerInvariant(), product.M, product.N, product.K, product.Count);
    }

    /// <summary>How far another shape is, in doublings of sizes; infinite where operands lie in another way.</summary>
    public double DistanceTo(ProductShape other) =>
        Form != other.Form ? double.PositiveInfinity : Doublings(M, other.M) + Doublings(N, other.N) + Doublings(K, other.K) + Doublings(Count, other.Count);

    private static double Doublings(int a, int b) => Math.Abs(Math.Log2((double)a / b));
}
