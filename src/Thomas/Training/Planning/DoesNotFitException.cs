namespace Thomas.Training;

/// <summary>A step does not fit its memory bound.</summary>
internal sealed class DoesNotFitException(string message, long leastBytes) : ThomasException(message)
{
    /// <summary>The smallest bound that a step alone could keep to.</summary>
    public long LeastBytes => leastBytes;
}
