using System;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Imaging;

public sealed class PngWriterTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(28, 28)]
    [InlineData(33, 7)]
    public void What_is_written_is_read_again(int width, int height)
    {
        RgbImage image = Images.Noise(width, height, seed: 1);
        byte[] png = PngWriter.Encode(image);
        Assert.Equal("PNG"u8, png.AsSpan(1, 3));
        foreach (IImageDecoder decoder in (IImageDecoder[])[new SkiaImageDecoder(), new ManagedImageDecoder()])
        {
            RgbImage read = decoder.Decode(png);
            Assert.Equal((width, height), (read.Width, read.Height));
            Assert.Equal(image.Pixels, read.Pixels);
        }
    }
}
