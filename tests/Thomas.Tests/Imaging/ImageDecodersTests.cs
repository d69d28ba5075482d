using System;
using Thomas.Imaging;
using Xunit;

namespace Thomas.Tests.Imaging;

public sealed class ImageDecodersTests
{
    [Fact]
    public void Skia_is_taken_where_it_works()
    {
        Assert.Null(ImageDecoders.SkiaProblem);
        SkiaImageDecoder decoder = Assert.IsType<SkiaImageDecoder>(ImageDecoders.Best(60));
        Assert.Equal(new SkiaImageDecoder().Identity, decoder.Identity);
        Assert.StartsWith("JPEG, PNG, WebP, GIF, BMP by SkiaSharp ", ImageDecoders.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_does_not_load_is_a_reason_and_anything_else_an_error()
    {
        Assert.Null(ImageDecoders.Probe(static () => { }));
        Exception missing = new DllNotFoundException("Unable to load shared library 'libSkiaSharp' or one of its dependencies. In order to ...\n/lib/x.so");
        Assert.Equal(
            "SkiaSharp's native library cannot be used: Unable to load shared library 'libSkiaSharp' or one of its dependencies",
            ImageDecoders.Probe(() => throw new TypeInitializationException("SKObject", new TypeInitializationException("SKAbstract", missing))));
        Assert.Equal("SkiaSharp's native library cannot be used: too old", ImageDecoders.Probe(static () => throw new InvalidOperationException("too old.")));
        Assert.Throws<FormatException>(() => ImageDecoders.Probe(static () => throw new FormatException()));
    }
}
