using System;
using System.IO;
using System.Text.Json;
using System.Threading;
using Thomas.Cli;

namespace Thomas.Tests.Cli;

/// <summary>One run of the program in this process and what it wrote.</summary>
internal sealed record CliRun(int Code, string Out, string Error)
{
    public static CliRun Of(params string[] args) => Of(args, null, CancellationToken.None);

    /// <param name="args">The arguments.</param>
    /// <param name="onErrorLine">Sees every line of standard error as it is written.</param>
    /// <param name="cancellation">As Ctrl-C.</param>
    /// <param name="onLine">Sees every line of standard output.</param>
    public static CliRun Of(string[] args, Action<string>? onErrorLine, CancellationToken cancellation, Action<string>? onLine = null)
    {
        using StringWriter stdout = onLine is null ? new StringWriter() : new WatchedWriter(onLine);
        using StringWriter stderr = onErrorLine is null ? new StringWriter() : new WatchedWriter(onErrorLine);
        int code = ThomasCommand.Invoke(args, stdout, stderr, cancellation: cancellation);
        return new CliRun(code, stdout.ToString(), stderr.ToString());
    }

    /// <summary>The JSON on standard output, which must be all that is there.</summary>
    public JsonElement Json() => JsonDocument.Parse(Out).RootElement;

    private sealed class WatchedWriter(Action<string> onLine) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            onLine(value ?? "");
        }
    }
}
