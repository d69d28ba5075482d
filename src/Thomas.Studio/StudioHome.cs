using System;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Studio.Models;
using Thomas.Studio.Projects;
using Thomas.Studio.Runs;

namespace Thomas.Studio;

/// <summary>What the calls of the API work with.</summary>
internal sealed class StudioHome : IAsyncDisposable
{
    private readonly StudioFolder _folder;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StudioHome(StudioSettings settings, StudioFolder folder)
    {
        (Settings, _folder) = (settings, folder);
        Models = new ModelStore(folder.Models, settings, Log, _ending.Token);
        Projects = new ProjectStore(folder.Projects, Models, settings, Log);
        Pulls = new PullTasks(folder.Models, Models, Events, Log, _ending.Token) { Handler = settings.PullHandler };
        Devices = new StudioDevices(settings.Compile);
        Heavy = new HeavyGate(settings.Limits.HeavyAtOnce, settings.Limits.HeavyWaiting);
        Imports = new HeavyGate(1, 2);
        Streams = new HeavyGate(settings.Limits.EventStreams, 0);
    }

    public StudioSettings Settings { get; }

    public StudioLog Log { get; } = new();

    public ModelStore Models { get; }

    public ProjectStore Projects { get; }

    public PullTasks Pulls { get; }

    public StudioDevices Devices { get; }

    /// <summary>Images and plans.</summary>
    public HeavyGate Heavy { get; }

    /// <summary>Models that are received, and files that are made of them.</summary>
    public HeavyGate Imports { get; }

    /// <summary>Streams of events.</summary>
    public HeavyGate Streams { get; }

    /// <summary>Who is told of what is not of a project.</summary>
    public EventSource Events { get; } = new();

    /// <summary>Its folder, in full.</summary>
    public string Folder => _folder.Path;

    /// <summary>The port of the last start that asked for any; null if it is not known. One that cannot be kept is only missed at the next start.</summary>
    public int? LastPort
    {
        get => _folder.LastPort;
        set
        {
            try
            {
                if (value is int port && port != _folder.LastPort) _folder.KeepPort(port);
            }
            catch (OutputException e)
            {
                Log.Add($"the port cannot be kept for the next start: {e.Message}");
            }
        }
    }

    /// <summary>The program's version.</summary>
    public static string Version => Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "";

    /// <summary>Done when somebody has asked the program to end.</summary>
    public Task ShutdownAsked => _shutdown.Task;

    /// <summary>Canceled when the studio ends.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Opens a studio.</summary>
    /// <exception cref="ThomasException">Its folder cannot be used, or another program works in it.</exception>
    public static StudioHome Open(StudioSettings settings)
    {
        StudioFolder folder = StudioFolder.Open(settings.Folder, settings.FolderWait);
        try
        {
            StudioHome home = new(settings, folder);
            home.Models.Open();
            home.Projects.Open();
            home.Log.Add($"thomas {Version} opened '{folder.Path}'");
            if (settings.MakesStarter) home.Models.BeginStarter();
            return home;
        }
        catch (Exception e) when (e is System.IO.IOException or UnauthorizedAccessException)
        {
            folder.Dispose();
            throw new OutputException($"The studio's folder '{folder.Path}' cannot be used: {e.Message}", e);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Asks the program to end.</summary>
    public void AskShutdown() => _shutdown.TrySetResult();

    /// <summary>Tells all listeners that it ends.</summary>
    public void End() => _ending.Cancel();

    /// <summary>Closes all projects, and gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Pulls.End();
        await Models.End();
        await Projects.DisposeAsync();
        Heavy.Dispose();
        Imports.Dispose();
        Streams.Dispose();
        _ending.Dispose();
        _folder.Dispose();
    }
}
