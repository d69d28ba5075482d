using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Thomas.App;
using Thomas.App.Pull;
using Thomas.Studio.Http;
using Thomas.Training;

namespace Thomas.Studio.Models;

/// <summary>Downloads of stock models from their publishers, one at a time: all that uses the network, and only when a person asks for it.</summary>
/// <param name="folder">The models' folder.</param>
/// <param name="models">Where they go.</param>
/// <param name="events">Who is told.</param>
/// <param name="log">What happened.</param>
/// <param name="ended">Ends them.</param>
internal sealed class PullTasks(string folder, ModelStore models, EventSource events, StudioLog log, CancellationToken ended)
{
    // What needs more than a name cannot be taught by the page: weights without a network, networks with a preprocessing that the file does not say.
    private const string Simple = "thomas tune {0} --data photos";

    private readonly Lock _gate = new();
    private PullEvent? _last;
    private Task _work = Task.CompletedTask;
    private int _count;

    /// <summary>Stands for the network, for tests; null for the system's.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Why nothing can be downloaded; null if it can.</summary>
    public static string? Problem()
    {
        if (Build.IsStatic) return Capabilities.NoTls;
        return SecureConnections.IsThere() ? null : Capabilities.NoOpenSsl;
    }

    /// <summary>What can be downloaded.</summary>
    public static IReadOnlyList<StockModel> Catalog()
    {
        List<StockModel> simple = [];
        foreach (StockModel model in StockCatalog.Models)
        {
            if (model.Use == Simple) simple.Add(model);
        }

        return simple;
    }

    /// <summary>How the download that was begun last stands; null before the first.</summary>
    public PullEvent? Last
    {
        get
        {
            lock (_gate) return _last;
        }
    }

    /// <summary>Begins a download.</summary>
    /// <returns>Its name.</returns>
    /// <exception cref="StudioException">There is no such model, downloads are not possible, or one is under way.</exception>
    public string Begin(string name)
    {
        StockModel? model = null;
        foreach (StockModel known in Catalog())
        {
            if (known.Name == name) model = known;
        }

        if (model is null) throw StudioException.NotFound("There is no such model in the catalog.");
        if (Handler is null && Problem() is string problem) throw StudioException.Cannot(ErrorCode.PullUnavailable, problem);
        lock (_gate)
        {
            if (!_work.IsCompleted) throw StudioException.Conflict(ErrorCode.PullActive, "Another download is under way.");
            string task = FormattableString.Invariant($"pull-{++_count}");
            _last = new PullEvent(task, model.Name, 0, model.Bytes ?? 0, null, null);
            _work = Task.Run(() => Run(task, model), CancellationToken.None);
            return task;
        }
    }

    /// <summary>Waits until nothing is under way.</summary>
    public Task End()
    {
        lock (_gate) return _work;
    }

    private async Task Run(string task, StockModel model)
    {
        string part = Path.Combine(folder, $".pull-{model.Sha256}");
        try
        {
            DownloadOptions options = new(model.Address, model.Sha256, part) { Bytes = model.Bytes };
            await Download.RunAsync(options, new Relay(this, task, model), Handler, ended);
            StoredModel stored = models.Import(path => File.Move(part, path), model.FileName, ended);
            Tell(new PullEvent(task, model.Name, stored.Bytes, stored.Bytes, null, stored.Id));
        }
        catch (OperationCanceledException)
        {
            Tell(new PullEvent(task, model.Name, 0, model.Bytes ?? 0, Sentence.Of("The studio was closed; what had come is kept."), null));
        }
        catch (Exception e) when (e is ThomasException or DownloadException or StudioException or IOException or UnauthorizedAccessException)
        {
            log.Add($"the download of {model.Name} failed: {e.Message}");
            Tell(new PullEvent(task, model.Name, 0, model.Bytes ?? 0, Sentence.Of(e.Message), null));
        }
    }

    private void Tell(PullEvent now)
    {
        lock (_gate) _last = now;
        events.Mark(EventKinds.Pull);
    }

    private sealed class Relay(PullTasks tasks, string task, StockModel model) : IProgressDisplay
    {
        private const long Kibi = 1024;

        public void Report(StageProgress value)
        {
            if (!value.IsWarning && value.Stage == Download.Stage)
            {
                tasks.Tell(new PullEvent(task, model.Name, value.Done * Kibi, value.Total * Kibi, null, null));
            }
        }

        public void Epoch(EpochReport epoch, int total)
        {
        }
    }
}
