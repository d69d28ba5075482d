using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.App;
using Thomas.App.Tuning;
using Thomas.Cli.Output;

namespace Thomas.Cli;

internal static class Program
{
    private const int HangUpBit = 1; // SIGHUP is signal 1, bit 0 of a mask
    private const int FileSizeExceeded = 25; // SIGXFSZ on Linux and macOS

    private const int SameSignalMilliseconds = 500;

    private static int Main(string[] args)
    {
        using CancellationTokenSource cancellation = new();
        long stopping = 0;
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration? hangUp = IgnoresHangUp() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, HangUp);
        StandardStream stdout = new(Console.Out, endsWithFailure: true), stderr = new(Console.Error, endsWithFailure: false);

        // Through Console, since libraries ask whether a writer is the terminal's.
        Console.SetOut(stdout);
        Console.SetError(stderr);

        // Beyond a limit on the size of files (ulimit -f) writing shall fail, not end the process: the result can be written elsewhere.
        using PosixSignalRegistration? tooLong = OperatingSystem.IsWindows()
            ? null
            : PosixSignalRegistration.Create((PosixSignal)FileSizeExceeded, static signal => signal.Cancel = true);
        TuningChoice tuned = TuningRecord.Read(CacheFolder.Default(), Processor.Name);
        int code = ThomasCommand.Invoke(args, Console.Out, Console.Error, tuned, cancellation.Token);
        Console.Out.Flush();
        if (stdout.Failure is not Exception lost) return code;
        Console.Error.WriteLine($"thomas: error: the result could not be written to standard output: {lost.Message}");
        return code == ExitCode.Success ? ExitCode.Output : code;

        // The first signal asks the work to end and keep what it has; the second one ends the process as usual. What comes at nearly the same time is the
        // same wish: 'timeout' signals its child, and then the group that the child belongs to.
        void Stop(PosixSignalContext signal)
        {
            long now = Environment.TickCount64, first = Interlocked.CompareExchange(ref stopping, now, 0);
            if (first != 0 && now - first > SameSignalMilliseconds) return;
            signal.Cancel = true;
            cancellation.Cancel();
        }

        // A terminal that closes sends it more than once.
        void HangUp(PosixSignalContext signal)
        {
            signal.Cancel = true;
            cancellation.Cancel();
        }
    }

    /// <summary>Whether whoever started the program wants it to survive the terminal, as nohup does.</summary>
    private static bool IgnoresHangUp()
    {
        const string Field = "SigIgn:";
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            foreach (string line in File.ReadLines("/proc/self/status"))
            {
                if (line.StartsWith(Field, StringComparison.Ordinal))
                {
                    return (ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) & HangUpBit) != 0;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            // Then it is treated as a wish to end.
        }

        return false;
    }
}
