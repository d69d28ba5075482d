using System;
using System.Linq;
using Thomas.Formats.Onnx;
using Thomas.Formats.TfLite;
using Thomas.Kernels.Activations;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public sealed class ActivationCatalogTests
{
    private const ActivationKind Unknown = (ActivationKind)1000;

    [Fact]
    public void The_catalog_has_every_kind_once_in_order() =>
        Assert.Equal(Enum.GetValues<ActivationKind>(), ActivationCatalog.All.Select(function => function.Kind));

    [Fact]
    public void Every_kind_has_samples_of_its_own_and_a_formula()
    {
        foreach (ActivationFunction function in ActivationCatalog.All)
        {
            Assert.NotEmpty(function.Samples);
            Assert.All(function.Samples, sample => Assert.Equal(function.Kind, sample.Kind));
            Assert.All(function.Samples, sample => Assert.Equal(function.Kind, sample.Function.Kind));
            Assert.NotEmpty(function.Formula);
        }
    }

    [Fact]
    public void Results_lie_in_the_range_and_what_clips_does_only_that()
    {
        foreach (Activation activation in ActivationSamples.All)
        {
            ActivationFunction function = activation.Function;
            (double low, double high) = function.Range;
            double least = double.PositiveInfinity, most = double.NegativeInfinity;
            for (int i = -40_000; i <= 40_000; i++)
            {
                double x = i / 1000.0, y = function.Value(x);
                (least, most) = (Math.Min(least, y), Math.Max(most, y));
                Expect.True(y >= low && y <= high, $"{activation} of {x} is {y}, outside {function.Range}");
                if (function.IsClip) Assert.Equal(Math.Clamp(x, function.Lower, function.Upper), y);
            }

            // The range is tight, so that what is concluded from it is worth something.
            Expect.True(double.IsInfinity(low) ? least < -1 : least - low < 1e-3, $"{activation} does not come near {low}");
            Expect.True(double.IsInfinity(high) ? most > 1 : high - most < 1e-3, $"{activation} does not come near {high}");
            Assert.Equal(!function.IsClip, function.NeedsPass);
        }
    }

    /// <summary>What the definitions give, in float32, is PyTorch's result in float32 up to rounding.</summary>
    [Theory]
    [InlineData(ActivationKind.Relu, 0, 0, -1.5f, 0)]
    [InlineData(ActivationKind.Relu6, 0, 0, 7.5f, 6)]
    [InlineData(ActivationKind.Clip, -0.5f, 1.5f, -2, -0.5f)]
    [InlineData(ActivationKind.LeakyRelu, 0.1f, 0, -2, -0.2f)]
    [InlineData(ActivationKind.Sigmoid, 0, 0, 1.5f, 0.8175745f)]
    [InlineData(ActivationKind.HardSigmoid, 0.2f, 0.5f, 1.5f, 0.8f)]
    [InlineData(ActivationKind.HardSwish, 0, 0, 1.5f, 1.125f)]
    [InlineData(ActivationKind.Silu, 0, 0, -1.5f, -0.27363822f)]
    [InlineData(ActivationKind.Tanh, 0, 0, -1.5f, -0.9051483f)]
    [InlineData(ActivationKind.Mish, 0, 0, -1.5f, -0.29809974f)]
    public void Definitions_give_known_values(object kindValue, float a, float b, float x, float expected)
    {
        ActivationKind kind = (ActivationKind)kindValue;
        ActivationFunction function = new Activation(kind, a, b).Function;
        Assert.Equal(expected, function.Value(x), 1e-6f);
        Assert.Equal(expected, function.Value((double)x), 1e-6);
    }

    [Fact]
    public void A_kind_that_is_not_in_the_list_is_refused_everywhere_and_dropped_nowhere()
    {
        Activation activation = new(Unknown);
        Assert.Throws<ArgumentOutOfRangeException>(() => ActivationCatalog.Of(Unknown));
        Assert.Throws<ArgumentOutOfRangeException>(() => activation.GradientReadsOutput);
        Assert.Contains(
            "1000 cannot be written as .tflite", Assert.Throws<ThomasException>(() => TfLiteActivations.Write(null!, 0, activation)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "1000 cannot be written as .onnx", Assert.Throws<ThomasException>(() => OnnxActivations.Write(null!, activation, "x", "y")).Message,
            StringComparison.Ordinal);
    }
}
