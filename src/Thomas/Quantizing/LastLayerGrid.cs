using System.Threading;
using Thomas.Data;
using Thomas.Training;

namespace Thomas.Quantizing;

/// <summary>Completes a network that was trained in 8 bits: its new last layer goes to a grid too, measured on training images.</summary>
internal static class LastLayerGrid
{
    /// <summary>Images that the scores are measured on.</summary>
    private const int Images = 100;

    /// <summary>The options with that last step.</summary>
    public static TuningOptions With(TuningOptions options, IImageDecoder decoder) =>
        options with { Complete = (model, images, cancellation) => Complete(model, images, decoder, options, cancellation) };

    private static Model Complete(Model model, Dataset images, IImageDecoder decoder, TuningOptions options, CancellationToken cancellation)
    {
        QuantizerOptions quantizer = new() { Preprocessing = options.Preprocessing, Compile = options.Compile };
        return Quantizer.Quantize(model, Quantizer.Some(images, Images), decoder, quantizer, null, cancellation).Model;
    }
}
