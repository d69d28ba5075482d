namespace Thomas.App.Tuning;

/// <summary>How networks are tuned unless told otherwise, by whatever program.</summary>
internal static class TuningDefaults
{
    /// <summary>The smallest part of an image that is cut out: enough to make new images of old ones, and to keep the class in the image.</summary>
    public const float CropScale = 0.5f;

    /// <summary>Random changes to photos where more than the last layer is trained.</summary>
    public static Augmentation Augmentation { get; } = new() { Flip = true, MinimumCropScale = CropScale };
}
