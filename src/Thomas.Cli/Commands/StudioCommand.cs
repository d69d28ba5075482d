using System;
using System.CommandLine;
using System.IO;
using System.Net;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Thomas.App.Reports;
using Thomas.App.Tuning;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Studio;
using Thomas.Studio.Models;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas studio</c>: the local web app.</summary>
internal sealed class StudioCommand
{
    // For those who work on the page.
    private const string PageFolder = "THOMAS_STUDIO_WWWROOT";

    // A program that starts the studio again may have ended the former one a moment ago, which still saves a run.
    private static readonly TimeSpan LongestSaving = TimeSpan.FromSeconds(10);

    private readonly Terminal _terminal;
    private readonly Option<string> _folder = new("--folder")
    {
        Description = "Folder of models and projects (default: thomas/studio in the user's folder for data)",
        HelpName = "folder",
    };
    private readonly Option<string> _model = new("--model") { Description = "A model file to import at the start, .tflite or .onnx", HelpName = "file" };
    private readonly Option<bool> _noOpen = new("--no-open") { Description = "Open no browser" };
    private readonly Option<string> _readyFile = new("--ready-file")
    {
        Description = "A file that gets port, token and process number as JSON once the studio answers, or the error if it cannot start",
        HelpName = "file",
    };
    private readonly Option<bool> _untilStdinCloses = new("--until-stdin-closes")
    {
        Description = "End when standard input does, for programs that start the studio",
    };
    private readonly ListenOption _listen = new();
    private readonly ComputeOptions _compute;
    private readonly GuardOptions _guard = new();
    private readonly CacheOptions _cache = new(programsOnly: true);

    private StudioCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("studio", "Teach by images in a browser: a web app that runs on this device and for it alone");
        StudioCommand studio = new(terminal, tuned);
        command.Add(studio._folder);
        studio._listen.AddTo(command);
        command.Add(studio._model);
        command.Add(studio._noOpen);
        command.Add(studio._readyFile);
        command.Add(studio._untilStdinCloses);
        studio._compute.AddDeviceTo(command);
        studio._guard.AddTo(command);
        studio._cache.AddTo(command);
        terminal.Bind(command, studio.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? ready = parsed.GetValue(_readyFile);
        try
        {
            Serve(parsed, ready).GetAwaiter().GetResult();
            return ExitCode.Success;
        }
        catch (Exception e) when (ready is not null)
        {
            Write(ready, new StudioReadyReport(null, null, null, e.Message), mayFail: true);
            throw;
        }
    }

    private async Task Serve(ParseResult parsed, string? ready)
    {
        (IPAddress? address, int port) = _listen.Read(parsed);
        bool untilInputEnds = parsed.GetValue(_untilStdinCloses);
        Task inputEnds = untilInputEnds ? StandardInputEnds() : Task.Delay(Timeout.Infinite);
        StudioSettings settings = new()
        {
            Folder = parsed.GetValue(_folder) ?? StudioFolder.Default(),
            FolderWait = untilInputEnds ? LongestSaving : TimeSpan.Zero,
            Port = port,
            Listen = address,
            Compile = _compute.Read(parsed),

            // Who brings a model does not wait for the starter.
            MakesStarter = parsed.GetValue(_model) is null,
            Guard = _guard.Read(parsed),
            SensorRoot = GuardOptions.Root,
            PageFolder = Environment.GetEnvironmentVariable(PageFolder) is { Length: > 0 } page ? page : null,
        };
        StudioServer server;
        try
        {
            server = await StudioServer.Start(settings, _terminal.Cancellation);
        }
        catch (PortInUseException e)
        {
            throw new UsageException(e.Message);
        }

        await using (server)
        {
            if (parsed.GetValue(_model) is string model) Import(server, model);
            Announce(server);
            if (ready is not null) Write(ready, new StudioReadyReport(server.Port, server.Token, Environment.ProcessId, null), mayFail: false);
            if (!parsed.GetValue(_noOpen)) Browser.TryOpen(server.LaunchAddress);
            await Task.WhenAny(server.Home.ShutdownAsked, inputEnds, Canceled(_terminal.Cancellation));
            _terminal.Note("the studio ends");
        }
    }

    private void Import(StudioServer server, string path)
    {
        StoredModel model = server.Home.Models.Import(path, _terminal.Cancellation);
        _terminal.Note($"imported the model '{model.Name}'");
    }

    private void Announce(StudioServer server)
    {
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                new StudioReport(server.Address, server.Port, server.Token, server.Home.Folder, server.Fingerprint), ReportJson.Default.StudioReport);
            _terminal.Out.Flush();
            return;
        }

        _terminal.Field("studio", server.Address);
        if (server.Fingerprint is string fingerprint)
        {
            _terminal.Field("certificate", $"made by this program, so browsers ask about it; compare its SHA-256:\n{fingerprint}");
        }

        _terminal.Field("folder", server.Home.Folder);
        _terminal.Note("Whoever has the address with its token can see and change everything in the studio. Ctrl-C ends it.");
        _terminal.Out.Flush();
    }

    private static void Write(string path, StudioReadyReport report, bool mayFail)
    {
        try
        {
            PrivateFile.Write(path, JsonSerializer.Serialize(report, ReportJson.Default.StudioReadyReport));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            if (!mayFail) throw new OutputException($"Cannot write '{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads standard input to its end, on a thread of its own: a pipe cannot be waited for otherwise.</summary>
    private static Task StandardInputEnds() => Task.Factory.StartNew(
        static () =>
        {
            using Stream input = Console.OpenStandardInput();
            Span<byte> piece = stackalloc byte[256];
            try
            {
                while (input.Read(piece) > 0) continue;
            }
            catch (IOException)
            {
                // What cannot be read any more has ended.
            }
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static Task Canceled(CancellationToken cancellation)
    {
        TaskCompletionSource canceled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellation.Register(() => canceled.TrySetResult());
        return canceled.Task;
    }
}
