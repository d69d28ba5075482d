using Thomas.Kernels;
using Thomas.Kernels.Quantized;
using Xunit;

namespace Thomas.Tests.Kernels.Quantized;

public class QuantizedDepthwiseTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(17)]
    [InlineData(24)]
    [InlineData(45)]
    [InlineData(64)]
    public void Windows_of_all_kinds_give_the_bytes_of_the_definition(int channels)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, channels).Variants()) variant.CheckDepthwise();
        }
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 1)]
    [InlineData(5, 2)]
    public void Every_width_gives_the_bytes_of_the_definition(int kernel, int stride)
    {
        foreach (ConvGeometry g in WindowCases.Widths(kernel, stride, 19))
        {
            new QuantizedLayerCase(g, 19).CheckDepthwise();
            new QuantizedLayerCase(g, 19) { XIsSigned = false, WIsSigned = false, WZeros = [120], OneRatio = true }.CheckDepthwise();
            new QuantizedLayerCase(g, 19) { WIsSigned = false, WZeros = [0] }.CheckDepthwise();
        }
    }

    [Fact]
    public void Several_outputs_of_a_channel_follow_each_other()
    {
        foreach (ConvGeometry g in WindowCases.All(5, 5))
        {
            foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, 15) { Threads = 3 }.Variants()) variant.CheckDepthwise();
        }
    }

    [Theory]
    [InlineData(11, 14)]
    [InlineData(37, 43)]
    public void Channels_of_wider_pixels_are_read(int channels, int stride)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, stride))
        {
            foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, channels).Variants()) variant.CheckDepthwise();
        }
    }

    [Fact]
    public void Channels_beyond_what_the_cache_holds_come_in_blocks()
    {
        ConvGeometry g = new(1, 5, 60, 200, 200, 5, 60, 3, 3, PadTop: 1, PadLeft: 1);
        foreach (QuantizedLayerCase variant in new QuantizedLayerCase(g, 200).Variants()) variant.CheckDepthwise();
    }

    [Fact]
    public void The_name_tells_window_and_instructions()
    {
        ConvGeometry g = new(1, 5, 6, 8, 8, 3, 3, 3, 3, 2, 2, PadTop: 1, PadLeft: 1);
        string name = new QuantizedDepthwise(new QuantizedLayerCase(g, 8) { WZeros = [-128], Groups = 0 }.Layer(), 1).KernelName;
        Assert.Equal($"i8_dwconv_k3x3s2__{CpuFeatures.TierName}", name);
    }
}
