using System;
using System.Globalization;

namespace Thomas;

/// <summary>
/// Random changes that make several views out of one image: in this order a crop resized to the model's size, a horizontal flip, and changes of brightness,
/// contrast and saturation. The default changes nothing.
/// </summary>
public sealed record Augmentation
{
    /// <summary>Flip left and right with probability one half.</summary>
    public bool Flip { get; init; }

    /// <summary>
    /// Smallest share of the image's area that a crop may keep, above 0 and up to 1: the share is drawn evenly from this to 1 and the crop's shape is changed
    /// by up to 4/3 either way. 1 turns the random crop off; the plain center crop is taken instead.
    /// </summary>
    public float MinimumCropScale { get; init; } = 1;

    /// <summary>
    /// Strength s of the color changes, from 0 (off) to 1: brightness, contrast and saturation are each multiplied by a factor drawn evenly from [1 - s, 1 +
    /// s].
    /// </summary>
    public float Color { get; init; }

    /// <summary>Whether this leaves every image as it is.</summary>
    public bool IsNone => !Flip && MinimumCropScale == 1 && Color == 0;

    /// <summary>Checks that every value is usable.</summary>
    /// <exception cref="ArgumentException">A value is not; the message names it.</exception>
    public void Check()
    {
        if (!(MinimumCropScale is > 0 and <= 1))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"The smallest crop scale is {MinimumCropScale}; it must be above 0 and at most 1."));
        }

        if (!(Color is >= 0 and <= 1))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"The color strength is {Color}; it must be 0 to 1."));
        }
    }
}
