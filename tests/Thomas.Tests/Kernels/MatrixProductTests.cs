using System;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class MatrixProductTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(31)]
    [InlineData(57)]
    public void Product_matches_reference_for_all_widths(int m)
    {
        foreach (int n in SimdSizes.UpTo(65))
        {
            foreach (int k in new[] { 1, 3, 4, 6, 17 })
                CheckMatrix(new Case(m, n, k));
        }
    }

    [Theory]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(1100)]
    public void Long_sums_are_blocked_correctly(int k)
    {
        CheckMatrix(new Case(15, 35, k) { Residual = true, Activation = Activation.Clip(-0.5f, 3f) });
        CheckMatrix(new Case(16, 6, k) { InPlace = true, StrideA = k == 512 ? 512 : k + 3 });
        CheckMatrix(new Case(9, 21, k) { TransposedA = true });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Strides_transposes_residual_and_threads_are_respected(bool transposedA)
    {
        foreach (int threads in new[] { 1, 2, 5 })
        {
            foreach (bool rowMajorB in new[] { false, true })
            {
                CheckMatrix(new Case(58, 75, 23)
                {
                    TransposedA = transposedA,
                    RowMajorB = rowMajorB,
                    Threads = threads,
                    StrideA = 61,
                    StrideC = 80,
                    Residual = true,
                    Activation = Activation.Relu,
                });
                CheckMatrix(new Case(58, 5, 8) { TransposedA = transposedA, RowMajorB = rowMajorB, Threads = threads, InPlace = true });
                CheckMatrix(new Case(3, 9, 8) { TransposedA = transposedA, RowMajorB = rowMajorB, NoBias = true });
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_single_row_goes_over_four_panels_at_a_time(int threads)
    {
        int width = PackedMatrix.PanelWidth;
        foreach (int n in new[] { 4 * width, (4 * width) + 1, (9 * width) - 1, 13 * width })
        {
            foreach (int k in new[] { 1, 5, 700 })
            {
                CheckMatrix(new Case(1, n, k) { Threads = threads, Activation = Activation.Clip(-0.5f, 3f) });
                CheckMatrix(new Case(1, n, k) { Threads = threads, Activation = new Activation(ActivationKind.HardSwish) });
            }
        }

        CheckMatrix(new Case(1, 4 * width, 9) { Threads = threads, Residual = true });
        CheckMatrix(new Case(1, 8 * width, 9) { Threads = threads, RowMajorB = true, NoBias = true });
        CheckMatrix(new Case(1, 8 * width, 9) { Threads = threads, TransposedA = true });
    }

    [Fact]
    public void Rows_whose_stride_would_thrash_the_cache_are_copied_correctly()
    {
        CheckMatrix(new Case(30, 40, 40) { StrideA = 1024 });
        CheckMatrix(new Case(30, 3, 513) { StrideA = 1024 });
    }

    [Fact]
    public void Activations_are_applied_after_bias_and_residual()
    {
        foreach (Activation activation in ActivationSamples.All)
            CheckMatrix(new Case(17, 37, 11) { Activation = activation, Residual = true });
    }

    [Fact]
    public void NaN_spoils_its_own_row_only_and_survives_clipping()
    {
        const int M = 29, N = 37, K = 9;
        using GuardedBuffer a = GuardedBuffer.Random(M * K, 1), w = GuardedBuffer.Random(N * K, 2), c = new(M * N);
        a.Span[(20 * K) + 4] = float.NaN;
        using GuardedBuffer packed = Pack(w, K, N, null);
        MatrixProduct product = MatrixProduct.ForMatrix(M, N, K, Activation.Relu6, 1);
        Run(product, new MatrixProductArgs { A = a.Pointer, StrideA = K, PackedB = packed.Pointer, C = c.Pointer, StrideC = N });
        for (int i = 0; i < M * N; i++)
            Assert.Equal(i / N == 20, float.IsNaN(c.Span[i]));
    }

    [Fact]
    public void Bits_do_not_depend_on_the_thread_count()
    {
        const int M = 150, N = 130, K = 600;
        using GuardedBuffer a = GuardedBuffer.Random(M * K, 1), w = GuardedBuffer.Random(N * K, 2);
        using GuardedBuffer packed = Pack(w, K, N, null);
        using GuardedBuffer one = new(M * N), many = new(M * N);
        foreach (int threads in new[] { 2, 3, 8 })
        {
            MatrixProductArgs args = new() { A = a.Pointer, StrideA = K, PackedB = packed.Pointer, C = one.Pointer, StrideC = N };
            Run(MatrixProduct.ForMatrix(M, N, K, Activation.None, 1), args);
            args.C = many.Pointer;
            many.Span.Fill(float.NaN);
            MatrixProduct shared = MatrixProduct.ForMatrix(M, N, K, Activation.None, threads);
            Assert.True(shared.Items >= threads);
            using GuardedBuffer workspace = new((long)(shared.WorkspaceBytes / sizeof(float)));
            for (int item = shared.Items - 1; item >= 0; item--)
                shared.RunItems(args, item, item + 1, (byte*)workspace.Pointer);
            Assert.True(one.Span.SequenceEqual(many.Span));
        }
    }

    [Theory]
    [InlineData(14, 1)]
    [InlineData(28, 1 << 24)]
    [InlineData(1000, 4096)]
    public void Bits_do_not_depend_on_the_block_sizes(int rows, int panelBytes)
    {
        foreach (int k in new[] { 90, 1200 })
        {
            const int M = 150, N = 130;
            using GuardedBuffer a = GuardedBuffer.Random(M * k, 1), w = GuardedBuffer.Random(N * k, 2), residual = GuardedBuffer.Random(M * N, 3);
            using GuardedBuffer packed = Pack(w, k, N, null);
            using GuardedBuffer usual = new(M * N), other = new(M * N);
            MatrixProductArgs args = new()
            {
                A = a.Pointer,
                StrideA = k,
                PackedB = packed.Pointer,
                C = usual.Pointer,
                StrideC = N,
                Residual = residual.Pointer,
                StrideResidual = N,
            };
            Run(MatrixProduct.ForMatrix(M, N, k, Activation.Relu6, 2), args);
            args.C = other.Pointer;
            MatrixProduct product = MatrixProduct.ForMatrix(M, N, k, Activation.Relu6, 2, blocks: new BlockSizes(rows, panelBytes));
            Run(product, args);
            Assert.True(usual.Span.SequenceEqual(other.Span));
        }
    }

    internal static GuardedBuffer Pack(GuardedBuffer rows, int k, int n, GuardedBuffer? bias)
    {
        GuardedBuffer packed = new((long)(PackedMatrix.Bytes(k, n) / sizeof(float)));
        PackedMatrix.PackTransposed(rows.Pointer, k, k, n, bias is null ? null : bias.Pointer, packed.Pointer);
        return packed;
    }

    internal static void Run(MatrixProduct product, MatrixProductArgs args)
    {
        using GuardedBuffer workspace = new((long)(product.WorkspaceBytes / sizeof(float)));
        product.RunItems(args, 0, product.Items, (byte*)workspace.Pointer);
    }

    private static void CheckMatrix(Case t)
    {
        int rowsA = t.TransposedA ? t.K : t.M, columnsA = t.TransposedA ? t.M : t.K;
        int strideA = Math.Max(t.StrideA, columnsA), strideC = Math.Max(t.StrideC, t.N);
        using GuardedBuffer a = GuardedBuffer.Random(((rowsA - 1) * strideA) + columnsA, 1);
        using GuardedBuffer b = GuardedBuffer.Random(t.K * t.N, 2), bias = GuardedBuffer.Random(t.N, 3);
        using GuardedBuffer residual = GuardedBuffer.Random(((t.M - 1) * strideC) + t.N, 4), c = new(((t.M - 1) * strideC) + t.N);
        using GuardedBuffer packed = new((long)(PackedMatrix.Bytes(t.K, t.N) / sizeof(float)));
        float* biasPointer = t.NoBias ? null : bias.Pointer;
        if (t.RowMajorB) PackedMatrix.Pack(b.Pointer, t.N, t.K, t.N, biasPointer, packed.Pointer);
        else PackedMatrix.PackTransposed(b.Pointer, t.K, t.K, t.N, biasPointer, packed.Pointer);
        if (t.InPlace) residual.Span.CopyTo(c.Span);
        Run(MatrixProduct.ForMatrix(t.M, t.N, t.K, t.Activation, t.Threads, t.TransposedA), new MatrixProductArgs
        {
            A = a.Pointer,
            StrideA = strideA,
            PackedB = packed.Pointer,
            C = c.Pointer,
            StrideC = strideC,
            Residual = t.InPlace ? c.Pointer : t.Residual ? residual.Pointer : null,
            StrideResidual = strideC,
        });

        for (int i = 0; i < t.M; i++)
        {
            for (int j = 0; j < t.N; j++)
            {
                double sum = (t.NoBias ? 0 : bias.Span[j]) + (t.Residual || t.InPlace ? residual.Span[(i * strideC) + j] : 0), scale = 2;
                for (int k = 0; k < t.K; k++)
                {
                    double term = (double)a.Span[t.TransposedA ? (k * strideA) + i : (i * strideA) + k]
                        * b.Span[t.RowMajorB ? (k * t.N) + j : (j * t.K) + k];
                    sum += term;
                    scale += Math.Abs(term);
                }

                Tolerance.Check(c.Span[(i * strideC) + j], ReferenceMath.Activate(t.Activation, sum), Tolerance.Sum(scale, t.K), $"{t} [{i},{j}]");
            }

            if (i < t.M - 1) Expect.True(t.InPlace || float.IsNaN(c.Span[(i * strideC) + strideC - 1]) || strideC == t.N, $"{t}: wrote between rows");
        }
    }

    private sealed record Case(int M, int N, int K)
    {
        public bool TransposedA { get; init; }

        public bool RowMajorB { get; init; }

        public bool NoBias { get; init; }

        public bool Residual { get; init; }

        public bool InPlace { get; init; }

        public int StrideA { get; init; }

        public int StrideC { get; init; }

        public int Threads { get; init; } = 1;

        public Activation Activation { get; init; }
    }
}
