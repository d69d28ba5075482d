using System.Collections.Generic;
using System.Threading;
using Thomas.Data;
using Thomas.Quantizing;
using Thomas.Training;

namespace Thomas.App;

/// <summary>Completes a network that was trained in 8 bits: its new last layer goes to a grid too, measured on training images.</summary>
internal static class LastLayerGrid
{
    /// <summary>Images that the scores are measured on.</summary>
    private const int Images = 100;

    /// <summary>The options with that last step.</summary>
    public static TuningOptions With(TuningOptions options, IImageDecoder decoder) =>
        options.Network?.Compression != Compression.Int8
        ? options
        : options with { Complete = (model, images, cancellation) => Complete(model, images, decoder, options, cancellation) };

    private static Model Complete(Model model, Dataset images, IImageDecoder decoder, TuningOptions options, CancellationToken cancellation)
    {
        List<Sample> some = [];
        int count = int.Min(Images, images.Samples.Count);
        for (int i = 0; i < count; i++) some.Add(images.Samples[(int)((long)i * images.Samples.Count / count)] with { Subset = Subset.Unassigned });
        QuantizerOptions quantizer = new() { Preprocessing = options.Preprocessing, Compile = options.Compile };
        return Quantizer.Quantize(model, new Dataset(images.Name, images.ClassNames, some), decoder, quantizer, null, cancellation).Model;
    }
}
