namespace Thomas.Training;

/// <summary>What to do when some classes have far more images than others.</summary>
public enum ClassBalance
{
    /// <summary>Nothing: every image counts the same, and the best epoch is the one of highest accuracy.</summary>
    None,

    /// <summary>
    /// The loss of an image of class c is multiplied by <c>N / (C' * N[c])</c>, with N images, C' classes that have images and N[c] images of
    /// class c: every class counts the same. The best epoch is the one of highest mean recall. Changes nothing when all classes are equally large.
    /// </summary>
    Weighted,
}
