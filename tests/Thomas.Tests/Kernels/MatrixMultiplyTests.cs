using System;
using Thomas.Kernels.Gemm;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class MatrixMultiplyTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Product_matches_reference_and_does_not_depend_on_threads(bool transposedA, bool transposedB)
    {
        foreach ((int m, int n, int k) in new[] { (1, 1, 1), (5, 33, 20), (40, 7, 65), (64, 70, 530) })
        {
            int strideA = (transposedA ? m : k) + 2, strideB = (transposedB ? k : n) + 1;
            using GuardedBuffer a = GuardedBuffer.Random((transposedA ? k : m) * strideA, 1), b = GuardedBuffer.Random((transposedB ? n : k) * strideB, 2);
            using GuardedBuffer bias = GuardedBuffer.Random(n, 3), first = new(m * n), c = new(m * n);
            for (int threads = 1; threads <= 3; threads++)
            {
                using ThreadTeam team = new(threads);
                MatrixMultiply multiply = new(m, n, k, transposedA, transposedB, threads);
                using GuardedBuffer workspace = new((long)(multiply.WorkspaceBytes / sizeof(float)));
                GuardedBuffer result = threads == 1 ? first : c;
                multiply.Run(team, a.Pointer, strideA, b.Pointer, strideB, bias.Pointer, result.Pointer, n, (byte*)workspace.Pointer);
                Assert.True(first.Span.SequenceEqual(result.Span));
            }

            for (int i = 0; i < m * n; i++)
            {
                double sum = bias.Span[i % n], scale = 1;
                for (int p = 0; p < k; p++)
                {
                    double term = (double)a.Span[transposedA ? (p * strideA) + (i / n) : (i / n * strideA) + p]
                        * b.Span[transposedB ? (i % n * strideB) + p : (p * strideB) + (i % n)];
                    sum += term;
                    scale += Math.Abs(term);
                }

                Tolerance.Check(first.Span[i], sum, scale, k, $"{m}x{n}x{k} [{i}]");
            }
        }
    }

    [Fact]
    public void A_team_larger_than_planned_is_refused()
    {
        using ThreadTeam team = new(2);
        MatrixMultiply multiply = new(2, 2, 2, false, false, 1);
        ArgumentException e = Assert.Throws<ArgumentException>(() => multiply.Run(team, null, 2, null, 2, null, null, 2, null));
        Assert.Contains("planned for 1 threads", e.Message, StringComparison.Ordinal);
    }
}
