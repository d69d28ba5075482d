using System;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Cli.Commands;
using Thomas.Cli.Options;
using Thomas.Cli.Tuning;

namespace Thomas.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        using CancellationTokenSource cancellation = new();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
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
