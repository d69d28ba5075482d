using System;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Cli.Commands;
using Thomas.Cli.Options;
using Thomas.Cli.Tuning;

namespace Thomas.Cli;

internal static class Program
{
    private const int FileSizeExceeded = 25; // SIGXFSZ on Linux and macOS

    private static int Main(string[] args)
    {
        using CancellationTokenSource cancellation = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

        // Beyond a limit on the size of files (ulimit -f) writing shall fail, not end the process: the result can be written elsewhere.
        using PosixSignalRegistration? tooLong = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)FileSizeExceeded, static signal => signal.Cancel = true);
        ComputeOptions.Tuned = TuningRecord.Read(CacheOptions.DefaultFolder(), DevicesCommand.ProcessorName);
        return ThomasCommand.Invoke(args, Console.Out, Console.Error, cancellation.Token);

        // The first signal asks the work to end and keep what it has; the second one ends the process as usual.
        void Stop(PosixSignalContext signal)
        {
            if (cancellation.IsCancellationRequested) return;
            signal.Cancel = true;
            cancellation.Cancel();
        }
    }
}
