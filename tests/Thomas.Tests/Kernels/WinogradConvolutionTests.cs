using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class WinogradConvolutionTests
{
    public static IEnumerable<object[]> Cases()
    {
        foreach ((int channels, int outputs) in new[] { (16, 32), (32, 48), (48, 112), (640, 32) })
        {
            yield return [Same(1, 8, 8, channels), outputs, false];
            yield return [Same(3, 7, 9, channels), outputs, true];
            yield return [new ConvGeometry(2, 9, 8, channels, channels, 7, 6, 3, 3), outputs, true];
            yield return [new ConvGeometry(1, 6, 11, channels, channels, 7, 12, 3, 3, PadTop: 2, PadLeft: 1), outputs, false];
            yield return [new ConvGeometry(1, 12, 13, channels, channels, 9, 8, 3, 3, PadTop: -1, PadLeft: -2), outputs, true];
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    internal void Convolution_matches_reference_with_any_threads(ConvGeometry g, int outputs, bool residual)
    {
        Activation activation = residual ? new Activation(ActivationKind.HardSwish) : Activation.Relu6;
        using Operands operands = new(g, outputs);
        using GuardedBuffer y = operands.Run(activation, 1, residual, inPlace: false), many = operands.Run(activation, 3, residual, inPlace: residual);
        Assert.True(y.Span.SequenceEqual(many.Span));
        operands.Check(y, activation, residual);
    }

    [Fact]
    public void All_activations_are_applied_after_bias_and_residual()
    {
        using Operands operands = new(Same(1, 5, 8, 16), 32);
        foreach (Activation activation in ActivationSamples.All)
        {
            using GuardedBuffer y = operands.Run(activation, 1, residual: true, inPlace: false);
            operands.Check(y, activation, residual: true);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void What_is_not_finite_comes_out_only_where_a_window_sees_it(float value)
    {
        foreach (int position in new[] { 0, 3, 4, 7 })
        {
            using Operands operands = new(Same(2, 8, 9, 16), 48);
            operands.X.Span[((((1 * 8) + position) * 9) + position) * 16 + 5] = value;
            using GuardedBuffer y = operands.Run(Activation.None, 1, residual: true, inPlace: true);
            operands.Check(y, Activation.None, residual: true);
        }
    }

    [Fact]
    public void Only_convolutions_that_gain_are_served()
    {
        ConvGeometry g = Same(1, 13, 13, 32);
        Assert.True(WinogradConvolution.Serves(g, 64));
        Assert.True(WinogradConvolution.Serves(Same(1, 7, 7, 32), 64));
        Assert.False(WinogradConvolution.Serves(Same(1, 3, 3, 32), 64));
        Assert.False(WinogradConvolution.Serves(Same(1, 13, 13, 8), 64));
        Assert.False(WinogradConvolution.Serves(g, 16));
        Assert.False(WinogradConvolution.Serves(g with { ChannelStride = 64 }, 64));
        Assert.False(WinogradConvolution.Serves(g with { StrideW = 2 }, 64));
        Assert.False(WinogradConvolution.Serves(g with { DilationH = 2 }, 64));
        Assert.False(WinogradConvolution.Serves(g with { KernelW = 5 }, 64));
        Assert.Equal(CpuFeatures.VectorLength == 1, WinogradConvolution.Serves(Same(1, 13, 13, 33), 64));
        Assert.Equal(CpuFeatures.VectorLength == 1, WinogradConvolution.Serves(g, 65));
    }

    [Fact]
    public void Taps_come_back_from_a_transformed_filter()
    {
        float* taps = stackalloc float[9], numbers = stackalloc float[16];
        for (int i = 0; i < 9; i++)
            taps[i] = i - 3;
        WinogradTransform.Filter(taps, 1, numbers, 1);
        for (int i = 0; i < 9; i++)
            Assert.Equal(taps[i], WinogradTransform.Tap(numbers, 1, i / 3, i % 3));
    }

    private static ConvGeometry Same(int batch, int rows, int columns, int channels) => new(
        batch, rows, columns, channels, channels, rows, columns, 3, 3, PadTop: 1, PadLeft: 1);

    private sealed class Operands : IDisposable
    {
        private readonly ConvGeometry _g;
        private readonly int _outputs;
        private readonly GuardedBuffer _w;
        private readonly GuardedBuffer _bias;
        private readonly GuardedBuffer _residual;

        public Operands(ConvGeometry g, int outputs)
        {
            Assert.True(WinogradConvolution.Serves(g, outputs));
            (_g, _outputs) = (g, outputs);
            X = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.Channels, 1);
            _w = GuardedBuffer.Random((long)outputs * g.PatchLength, 2);
            _bias = GuardedBuffer.Random(outputs, 3);
            _residual = GuardedBuffer.Random((long)g.OutPixels * outputs, 4);
        }

        public GuardedBuffer X { get; }

        public GuardedBuffer Run(Activation activation, int threads, bool residual, bool inPlace)
        {
            WinogradConvolution convolution = new(_g, _outputs, activation, threads);
            GuardedBuffer y = new((long)_g.OutPixels * _outputs);
            using GuardedBuffer packed = new((long)(convolution.PackedBytes / sizeof(float))),
                workspace = new((long)(convolution.WorkspaceBytes / sizeof(float)));
            for (int panel = convolution.Panels - 1; panel >= 0; panel--)
                convolution.Pack(_w.Pointer, _bias.Pointer, packed.Pointer, panel, panel + 1);
            if (inPlace) _residual.Span.CopyTo(y.Span);
            MatrixProductArgs args = new()
            {
                A = X.Pointer,
                PackedB = packed.Pointer,
                C = y.Pointer,
                StrideC = _outputs,
                Residual = inPlace ? y.Pointer : residual ? _residual.Pointer : null,
                StrideResidual = _outputs,
            };
            for (int item = convolution.Items - 1; item >= 0; item--)
            {
                workspace.Span.Fill(float.NaN);
                convolution.RunItems(args, item, item + 1, (byte*)workspace.Pointer);
            }

            return y;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Check(GuardedBuffer y, Activation activation, bool residual)
        {
            for (int i = 0; i < y.Length; i++)
            {
                int o = i % _outputs;
                double sum = _bias.Span[o] + (residual ? _residual.Span[i] : 0), scale = 2;
                foreach ((int pixel, int ky, int kx) in WindowCases.TapsOf(_g, i / _outputs))
                {
                    for (int c = 0; c < _g.Channels; c++)
                    {
                        double term = (double)X.Span[(pixel * _g.Channels) + c] * _w.Span[(o * _g.PatchLength) + (((ky * 3) + kx) * _g.Channels) + c];
                        sum += term;
                        scale += Math.Abs(term);
                    }
                }
                double expected = ReferenceMath.Activate(activation, sum);
                Tolerance.Check(y.Span[i], expected, Tolerance.Sum(scale, _g.PatchLength), $"{_g} {activation} [{i}]");
            }
        }

        public void Dispose()
        {
            X.Dispose();
            _w.Dispose();
            _bias.Dispose();
            _residual.Dispose();
        }
    }
}
