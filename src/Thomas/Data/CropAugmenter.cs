using System;

namespace Thomas.Data;

/// <summary>
/// Makes changed views of prepared crops while a network trains. A crop may be larger than the model's image (see <see cref="Enlarge"/>), so that a random part
/// of it loses no resolution. Keeps its memory: warm, it allocates nothing. For one thread.
/// </summary>
internal sealed class CropAugmenter
{
    /// <summary>How much longer each side of a prepared crop is, where random parts of it will be taken.</summary>
    public const double Margin = 1.15;

    private readonly Preprocessor _preprocessor;
    private readonly Augmentation _augmentation;
    private readonly RgbImage _source;
    private readonly TriangleFilter _horizontal = new();
    private readonly TriangleFilter _vertical = new();

    /// <param name="preprocessor">Makes the model's images.</param>
    /// <param name="augmentation">Which changes may be made.</param>
    /// <param name="sourceWidth">Width of the prepared crops.</param>
    /// <param name="sourceHeight">Their height.</param>
    public CropAugmenter(Preprocessor preprocessor, Augmentation augmentation, int sourceWidth, int sourceHeight)
    {
        augmentation.Check();
        _preprocessor = preprocessor;
        _augmentation = augmentation;
        _source = new RgbImage(sourceWidth, sourceHeight, new byte[checked(sourceWidth * sourceHeight * 3)]);
    }

    /// <summary>
    /// The preprocessing to prepare training crops with: where random parts will be cut out, <see cref="Margin"/> times the model's size, at the same scale
    /// where the model's own crop leaves a margin; else the model's.
    /// </summary>
    public static Preprocessing Enlarge(Preprocessing model, Augmentation augmentation) => augmentation.MinimumCropScale == 1
        ? model
        : model with
        {
            Width = (int)Math.Round(model.Width * Margin),
            Height = (int)Math.Round(model.Height * Margin),
            CropMargin = Math.Max(1, model.CropMargin / Margin),
        };

    /// <summary>Makes a view of a crop.</summary>
    /// <param name="crop">Bytes of the prepared crop.</param>
    /// <param name="rng">Source of the choices.</param>
    /// <param name="view">Receives the bytes of the model's image.</param>
    public void Make(ReadOnlySpan<byte> crop, Rng rng, Span<byte> view)
    {
        view = view[.._preprocessor.CropBytes];
        if (_augmentation.MinimumCropScale == 1 && crop.Length == view.Length)
        {
            crop.CopyTo(view);
            _preprocessor.Recolor(_augmentation, rng, view);
            return;
        }

        crop.CopyTo(_source.Pixels);
        _preprocessor.Crop(_source, _augmentation, rng, view, _horizontal, _vertical);
    }
}
