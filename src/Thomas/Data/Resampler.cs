using System;
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Thomas.Data;

/// <summary>
/// Separable resize of RGB bytes: along the rows first, rounded to bytes, then along the columns. All arithmetic is on integers in a fixed order, so the result
/// has the same bits on every machine and at every vector width.
/// </summary>
internal static class Resampler
{
    private const int Half = 1 << (TriangleFilter.FractionBits - 1);

    /// <summary>Resizes; only the outputs that the filters describe are computed.</summary>
    /// <param name="source">The image.</param>
    /// <param name="horizontal">Filter along x, over the image's width.</param>
    /// <param name="vertical">Filter along y, over the image's height.</param>
    /// <param name="destination">[vertical.Outputs, horizontal.Outputs, 3] bytes.</param>
    public static void Resize(RgbImage source, TriangleFilter horizontal, TriangleFilter vertical, Span<byte> destination)
    {
        int rowBytes = horizontal.Outputs * 3;
        int firstRow = vertical.InputStart;
        int rows = vertical.InputEnd - firstRow;
        byte[] narrowed = ArrayPool<byte>.Shared.Rent(checked(rows * rowBytes));
        byte[] padded = ArrayPool<byte>.Shared.Rent((source.Width * 3) + 1);
        try
        {
            for (int y = 0; y < rows; y++)
            {
                // A pixel is loaded as four bytes, the last one from the pixel after it. The image's last row has none after it, so it is read from a copy.
                Span<byte> row = source.Pixels.AsSpan((firstRow + y) * source.Width * 3);
                if (firstRow + y == source.Height - 1)
                {
                    row.CopyTo(padded);
                    row = padded;
                }

                ResizeRow(row, horizontal, narrowed.AsSpan(y * rowBytes, rowBytes));
            }

            for (int y = 0; y < vertical.Outputs; y++)
            {
                ReadOnlySpan<byte> inputRows = narrowed.AsSpan((vertical.First(y) - firstRow) * rowBytes, vertical.Weights(y).Length * rowBytes);
                BlendRows(inputRows, vertical.Weights(y), destination.Slice(y * rowBytes, rowBytes));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(narrowed);
            ArrayPool<byte>.Shared.Return(padded);
        }
    }

    private static void ResizeRow(ReadOnlySpan<byte> row, TriangleFilter filter, Span<byte> destination)
    {
        for (int x = 0; x < filter.Outputs; x++)
        {
            ReadOnlySpan<int> weights = filter.Weights(x);
            ref byte pixel = ref MemoryMarshal.GetReference(row.Slice(filter.First(x) * 3, (weights.Length * 3) + 1));
            Vector128<int> sum = Vector128.Create(Half);
            for (int i = 0; i < weights.Length; i++)
            {
                // Lanes: red, green, blue, and the next pixel's red, which is dropped.
                uint fourBytes = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref pixel, i * 3));
                Vector128<ushort> words = Vector128.WidenLower(Vector128.CreateScalar(fourBytes).AsByte());
                sum += Vector128.WidenLower(words).AsInt32() * Vector128.Create(weights[i]);
            }

            sum = Vector128.Min(sum >>> TriangleFilter.FractionBits, Vector128.Create(255));
            destination[x * 3] = (byte)sum[0];
            destination[(x * 3) + 1] = (byte)sum[1];
            destination[(x * 3) + 2] = (byte)sum[2];
        }
    }

    private static void BlendRows(ReadOnlySpan<byte> rows, ReadOnlySpan<int> weights, Span<byte> destination)
    {
        int rowBytes = destination.Length;
        ref byte source = ref MemoryMarshal.GetReference(rows);
        int x = 0;
        for (; x <= rowBytes - Vector128<byte>.Count; x += Vector128<byte>.Count)
        {
            Vector128<int> sum0 = Vector128.Create(Half);
            Vector128<int> sum1 = sum0;
            Vector128<int> sum2 = sum0;
            Vector128<int> sum3 = sum0;
            for (int i = 0; i < weights.Length; i++)
            {
                Vector128<int> weight = Vector128.Create(weights[i]);
                (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.LoadUnsafe(ref source, (nuint)((i * rowBytes) + x)));
                sum0 += Vector128.WidenLower(low).AsInt32() * weight;
                sum1 += Vector128.WidenUpper(low).AsInt32() * weight;
                sum2 += Vector128.WidenLower(high).AsInt32() * weight;
                sum3 += Vector128.WidenUpper(high).AsInt32() * weight;
            }

            Vector128<ushort> first = Vector128.Narrow(Round(sum0), Round(sum1));
            Vector128<ushort> second = Vector128.Narrow(Round(sum2), Round(sum3));
            Vector128.Narrow(first, second).StoreUnsafe(ref MemoryMarshal.GetReference(destination), (nuint)x);
        }

        for (; x < rowBytes; x++)
        {
            int sum = Half;
            for (int i = 0; i < weights.Length; i++)
            {
                sum += rows[(i * rowBytes) + x] * weights[i];
            }

            destination[x] = (byte)Math.Min(sum >> TriangleFilter.FractionBits, 255);
        }
    }

    private static Vector128<uint> Round(Vector128<int> sum) => Vector128.Min(sum >>> TriangleFilter.FractionBits, Vector128.Create(255)).AsUInt32();
}
