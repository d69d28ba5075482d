namespace Thomas.Runtime;

/// <summary>Whether a sensor that was there still answers. A driver may fail once; what fails several times in a row is lost until it answers again.</summary>
/// <param name="name">The sensor, as the system calls it.</param>
internal abstract class SensorHealth(string name)
{
    private const int FailuresOfLost = 3;

    private int _failures;
    private bool _isTold;

    /// <summary>As the system calls it.</summary>
    public string Name => name;

    /// <summary>Whether it has not answered several times in a row.</summary>
    public bool IsLost => _failures >= FailuresOfLost;

    /// <summary>True once, after it was lost.</summary>
    public bool TakeLoss()
    {
        if (!IsLost || _isTold) return false;
        return _isTold = true;
    }

    /// <summary>Counts an answer.</summary>
    protected void Note(bool hasAnswered) => _failures = hasAnswered ? 0 : _failures + 1;
}
