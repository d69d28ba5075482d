using System;
using Thomas.App.Pull;

namespace Thomas.Cli;

/// <summary>What the process returns, and which error leads to which number: the only place that decides it.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Unexpected = 1;
    public const int Usage = 2;
    public const int Model = 3;
    public const int Data = 4;
    public const int Output = 5;
    public const int SomeSkipped = 6;
    public const int Memory = 7;
    public const int Download = 8;
    public const int Findings = 9;
    public const int Slower = 10;
    public const int Cancelled = 130;

    /// <summary>For the help text.</summary>
    public const string Table =
        """
        Exit codes:
          0    success
          1    unexpected error
          2    wrong arguments
          3    the model cannot be read or used
          4    the data set or the images cannot be used
          5    the output cannot be written
          6    classify: some images were skipped
          7    not enough memory
          8    pull: the file could not be downloaded, or is not the one that is meant
          9    check: there are warnings
          10   bench diff: something became slower
          130  cancelled by Ctrl-C or a closed terminal, or stopped by --low-battery; tune and train have saved the best model so far if there was one
        """;

    // The library raises the base type for models that are sound files but not what the work needs.
    public static int Of(Exception error) => error switch
    {
        UsageException => Usage,
        OperationCanceledException => Cancelled,
        NotEnoughMemoryException or OutOfMemoryException => Memory,
        DataException => Data,
        OutputException => Output,
        DownloadException => Download,
        ThomasException => Model,
        _ => Unexpected,
    };
}

/// <summary>The arguments are wrong in a way that parsing does not see.</summary>
internal sealed class UsageException(string message) : Exception(message);
