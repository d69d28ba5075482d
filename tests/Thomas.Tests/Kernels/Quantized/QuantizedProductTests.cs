using System;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels.Quantized;

public unsafe class QuantizedProductTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(23)]
    [InlineData(50)]
    public void Dense_layers_of_all_widths_give_the_bytes_of_the_definition(int rows)
    {
        foreach (int outputs in SimdSizes.UpTo(65))
        {
            foreach (int k in new[] { 1, 3, 4, 8, 18, 33 })
            {
                foreach (QuantizedLayerCase variant in new QuantizedLayerCase(Dense(rows, k), outputs).Variants()) variant.CheckProduct();
            }
        }
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 8)]
    [InlineData(4, 25)]
    [InlineData(9, 40)]
    public void Convolutions_give_the_bytes_of_the_definition(int channels, int outputs)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, outputs).Variants()) variant.CheckProduct();
        }
    }

    [Fact]
    public void Groups_read_and_write_their_own_channels()
    {
        foreach (int channels in new[] { 2, 4 })
        {
            foreach (ConvGeometry g in WindowCases.All(channels, 3 * channels))
            {
                foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, 3 * 5) { Groups = 3, Threads = 2 }.Variants()) variant.CheckProduct();
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Threads_share_pixels_or_panels(int threads)
    {
        QuantizedLayerCase few = new(Dense(3, 40), 400) { Threads = threads }, many = new(Dense(900, 12), 20) { Threads = threads };
        foreach (QuantizedLayerCase variant in few.Variants()) variant.CheckProduct();
        foreach (QuantizedLayerCase variant in many.Variants()) variant.CheckProduct();
        Assert.True(new QuantizedProduct(few.Layer(), threads).Items >= threads);
    }

    [Fact]
    public void Zero_points_of_weights_may_differ_by_output()
    {
        int[] zeros = new int[21];
        for (int i = 0; i < zeros.Length; i++) zeros[i] = (i * 5) - 50;
        new QuantizedLayerCase(Dense(7, 19), zeros.Length) { WZeros = zeros }.CheckProduct();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sums_of_every_size_are_requantized_as_defined(bool isFixedPoint)
    {
        RequantizationRule rule = isFixedPoint ? RequantizationRule.FixedPoint : RequantizationRule.Float;

        // One weight of zero: the sums are the biases.
        const int Outputs = 1000;
        Random random = new(3);
        int[] bias = new int[Outputs];
        foreach (double scale in new[] { 1e-9, 4e-8, 1e-6, 0.01, 0.25, 0.5, 0.75, 1, 3, 130 })
        {
            // The last sums before a left shift loses digits, and halves of steps.
            int most = (int)Math.Min(int.MaxValue - 1000, (1L << 30) / Math.Max(1, scale));
            for (int i = 0; i < Outputs; i++)
            {
                bias[i] = (i % 4) switch
                {
                    0 => random.Next(-most, most),
                    1 => (int)Math.Clamp((random.Next(-300, 300) + 0.5) / scale, -most, most),
                    2 => (random.Next(2) * 2 * most) - most + random.Next(-3, 3),
                    _ => random.Next(-300, 300),
                };
            }

            double[] ratios = new double[Outputs];
            for (int i = 0; i < Outputs; i++) ratios[i] = i % 3 == 0 ? scale : (float)(scale * (0.6 + (0.39 * random.NextDouble())));
            foreach ((int lower, int upper) in new[] { (-128, 127), (0, 255), (-20, 33), (100, 200) })
            {
                Requantization requantization = new(rule, ratios, (lower + upper) / 3, lower, upper);
                CheckBias(requantization, bias);
            }
        }
    }

    [Fact]
    public void The_name_tells_the_instructions()
    {
        QuantizedLayerCase plain = new(Dense(9, 16), 48);
        string quads = (CpuFeatures.Tier, AvxVnni.IsSupported, Dp.IsSupported) switch
        {
            (InstructionTier.Avx2 or InstructionTier.Avx512, true, _) => "i8_gemm_4x24__avxvnni",
            (InstructionTier.Neon, _, true) => "i8_gemm_8x8__neondp",
            _ => Pairs(),
        };
        Assert.Equal(quads, new QuantizedProduct(plain.Layer(), 1).KernelName);
        Assert.Equal(Pairs(), new QuantizedProduct((plain with { WZeros = [-128] }).Layer(), 1).KernelName);

        static string Pairs() => CpuFeatures.Tier switch
        {
            InstructionTier.Avx512 => "i8_gemm_8x32__avx512",
            InstructionTier.Avx2 => "i8_gemm_4x16__avx2",
            InstructionTier.Neon => "i8_gemm_8x8__neon",
            InstructionTier.Vector128 => "i8_gemm_4x8__vector128",
            _ => "i8_gemm_4x2__scalar",
        };
    }

    private static ConvGeometry Dense(int rows, int k) => new(rows, 1, 1, k, k, 1, 1, 1, 1);

    private static void CheckBias(Requantization requantization, int[] bias)
    {
        QuantizedLayer layer = new(Dense(2, 4), bias.Length, 1, true, 5, true, [0], requantization.Lower < 0, requantization);
        QuantizedProduct product = new(layer, 1);
        using GuardedBytes x = GuardedBytes.Random(2 * 4, 1), w = GuardedBytes.Of(new byte[4 * bias.Length]), y = new(2 * bias.Length);
        using GuardedBytes packed = new(product.PackedBytes), workspace = new((long)product.WorkspaceBytes);
        fixed (int* start = bias) product.Pack(w.Pointer, start, packed.Pointer);
        product.RunItems(x.Pointer, packed.Pointer, y.Pointer, 0, product.Items, workspace.Pointer);
        for (int i = 0; i < y.Length; i++)
        {
            int o = i % bias.Length, expected = requantization.Apply(bias[o], o);
            Expect.True(y.Span[i] == (byte)expected, $"{requantization.Rule} {requantization.Ratios[o]} of {bias[o]}: {y.Span[i]}, not {expected}");
        }
    }
}
