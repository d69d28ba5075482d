using System.Collections.Generic;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What <see cref="DatasetCheck"/> finds, the worst first.</summary>
public enum FindingKind
{
    /// <summary>Nothing can be trained on the data: there is a single class, or a class without training images.</summary>
    Untrainable,

    /// <summary>One image has two labels or more, of which a model can only learn one.</summary>
    TwoLabels,

    /// <summary>One image is in two parts: what is measured on it is memory, not recognition.</summary>
    AcrossParts,

    /// <summary>A file that is no image, or whose image is broken.</summary>
    Unreadable,

    /// <summary>An image whose label another class fits clearly better; needs a model.</summary>
    DoubtfulLabel,

    /// <summary>Class names that differ in case, blanks or Unicode form only.</summary>
    AlikeNames,

    /// <summary>So few images to check with that their accuracy says little.</summary>
    FewValidationImages,

    /// <summary>A class with so few training images that little can be learned of it.</summary>
    FewImages,

    /// <summary>An image of one color.</summary>
    OneColor,

    /// <summary>An image that is several times in one part and class.</summary>
    Repeated,

    /// <summary>An image that is far smaller than the model's images, or than the other ones.</summary>
    SmallImage,

    /// <summary>A gray image in a set of color images.</summary>
    GrayImage,

    /// <summary>Classes of very different numbers of images.</summary>
    Imbalance,

    /// <summary>Something about how the data was read, such as files that were passed over.</summary>
    Reading,
}

/// <summary>How alike the images of a finding are.</summary>
public enum ImageMatch
{
    /// <summary>The files have the same bytes.</summary>
    Bytes,

    /// <summary>Other files, the same pixels.</summary>
    Pixels,

    /// <summary>All but the same, as a copy that was saved with another quality or size.</summary>
    Similar,
}

/// <summary>Something about a data set that its owner should know.</summary>
/// <param name="Kind">What was found.</param>
/// <param name="Images">The images that it is about, in the order of the data set; empty if it is about the set.</param>
/// <param name="Message">What is wrong, as a phrase without the names of the images.</param>
public sealed record DatasetFinding(FindingKind Kind, IReadOnlyList<Sample> Images, string Message)
{
    /// <summary>Of <see cref="FindingKind.TwoLabels"/>, <see cref="FindingKind.AcrossParts"/> and <see cref="FindingKind.Repeated"/>: how alike the images
    /// are.</summary>
    public ImageMatch? Match { get; init; }

    /// <summary>Whether results suffer from it or cannot be trusted; otherwise it is only good to know.</summary>
    public bool IsWarning { get; init; } = true;
}

/// <summary>What a check of a data set found.</summary>
/// <param name="Findings">The findings, the worst kinds first.</param>
/// <param name="Dataset">What was checked.</param>
public sealed record DatasetCheckResult(IReadOnlyList<DatasetFinding> Findings, Dataset Dataset)
{
    /// <summary>
    /// Whether all pairs of images were compared. In a very large set of images that are much alike, only those that are most alike in brightness are.
    /// </summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>Number of findings that are warnings.</summary>
    public int Warnings
    {
        get
        {
            int count = 0;
            foreach (DatasetFinding finding in Findings) count += finding.IsWarning ? 1 : 0;
            return count;
        }
    }
}
