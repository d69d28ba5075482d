using Thomas.Data;
using Thomas.Imaging;

namespace Thomas.Tests.Imaging;

public sealed class SkiaImageDecoderTests : ImageDecoderTests
{
    protected override bool ReadsWebp => true;

    protected override IImageDecoder Create(long maximumPixels = SkiaImageDecoder.DefaultMaximumPixels) => new SkiaImageDecoder(maximumPixels);
}
