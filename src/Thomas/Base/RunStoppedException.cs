using System;

namespace Thomas;

/// <summary>A guard has ended a run before there was anything to keep. The message says why, as a clause.</summary>
public sealed class RunStoppedException : OperationCanceledException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why the run was ended.</param>
    public RunStoppedException(string message)
        : base(message)
    {
    }
}
