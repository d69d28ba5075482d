using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Studio.Projects;

namespace Thomas.Studio.Calls;

/// <summary>The stream of events: what has changed, told as often as a page can use it.</summary>
internal static class EventCalls
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    // Of each kind the least time between two events.
    private static readonly (EventKinds Kind, TimeSpan Least)[] Rates =
    [
        (EventKinds.State, TimeSpan.FromMilliseconds(100)),
        (EventKinds.Training, TimeSpan.FromMilliseconds(100)),
        (EventKinds.Run, TimeSpan.FromMilliseconds(200)),
        (EventKinds.Pull, TimeSpan.FromMilliseconds(200)),
        (EventKinds.Notice, TimeSpan.Zero),
    ];

    public static void AddTo(Routes routes, StudioHome home) => routes.Add("GET", "events", request => Stream(request, home));

    private static async Task Stream(StudioRequest request, StudioHome home)
    {
        using IDisposable place = await home.Streams.Enter(request.Aborted);
        using ProjectStore.Use? use = request.Query("project") is string id ? await home.Projects.Enter(id, request.Aborted) : null;
        using EventQueue queue = new();
        home.Events.Add(queue);
        use?.Project.Events.Add(queue);
        try
        {
            await Listen(request, home, use?.Project, queue);
        }
        finally
        {
            home.Events.Remove(queue);
            use?.Project.Events.Remove(queue);
        }
    }

    private static async Task Listen(StudioRequest request, StudioHome home, Project? project, EventQueue queue)
    {
        request.Response.ContentType = "text/event-stream; charset=utf-8";
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(
            request.Aborted, home.Ending, project?.Closed ?? CancellationToken.None);
        Stream body = request.Response.Body;
        Dictionary<EventKinds, long> told = [];
        if (project is null) await WriteComment(body, end.Token);
        else queue.Mark(EventKinds.State);
        try
        {
            while (true)
            {
                (EventKinds due, TimeSpan wait) = Due(told);
                EventKinds kinds = queue.Take(due);
                foreach ((EventKinds kind, _) in Rates)
                {
                    if (!kinds.HasFlag(kind)) continue;
                    told[kind] = Stopwatch.GetTimestamp();
                    await Write(body, home, project, queue, kind, end.Token);
                }

                if (kinds != EventKinds.None) await body.FlushAsync(end.Token);

                // What is pending but not due yet needs no signal.
                if (queue.HasPending) await Task.Delay(wait, end.Token);
                else if (!await queue.Wait(Heartbeat, end.Token)) await WriteComment(body, end.Token);
            }
        }
        catch (OperationCanceledException) when (!request.Aborted.IsCancellationRequested)
        {
            if (!home.Ending.IsCancellationRequested) return;
            await WriteEvent(body, "bye", new EmptyEvent(), StudioJson.Default.EmptyEvent, request.Aborted);
            await body.FlushAsync(request.Aborted);
        }
    }

    /// <summary>The kinds that may be told now, and the time until others may.</summary>
    private static (EventKinds Due, TimeSpan Wait) Due(Dictionary<EventKinds, long> told)
    {
        EventKinds due = EventKinds.None;
        TimeSpan wait = TimeSpan.FromMilliseconds(200);
        foreach ((EventKinds kind, TimeSpan least) in Rates)
        {
            TimeSpan left = told.TryGetValue(kind, out long last) ? least - Stopwatch.GetElapsedTime(last) : TimeSpan.Zero;
            if (left <= TimeSpan.Zero) due |= kind;
            else if (left < wait) wait = left;
        }

        return (due, TimeSpan.FromMilliseconds(Math.Max(1, wait.TotalMilliseconds)));
    }

    private static async Task Write(Stream body, StudioHome home, Project? project, EventQueue queue, EventKinds kind, CancellationToken cancellation)
    {
        switch (kind)
        {
            case EventKinds.State when project is not null:
                await WriteEvent(body, "state", project.State(), StudioJson.Default.StateReply, cancellation);
                break;
            case EventKinds.Training when project?.Training is TrainingEvent training:
                await WriteEvent(body, "training", training, StudioJson.Default.TrainingEvent, cancellation);
                break;
            case EventKinds.Run when project?.RunState() is { } run:
                await WriteEvent(body, "run", run, StudioJson.Default.RunReply, cancellation);
                break;
            case EventKinds.Pull when home.Pulls.Last is PullEvent pull:
                await WriteEvent(body, "pull", pull, StudioJson.Default.PullEvent, cancellation);
                break;
            case EventKinds.Notice:
                foreach (string notice in queue.TakeNotices())
                    await WriteEvent(body, "notice", Sentence.Of(notice), StudioJson.Default.Sentence, cancellation);
                break;
            default:
                // It has ended meanwhile.
                break;
        }
    }

    private static async Task WriteComment(Stream body, CancellationToken cancellation)
    {
        await body.WriteAsync(":\n\n"u8.ToArray(), cancellation);
        await body.FlushAsync(cancellation);
    }

    private static async Task WriteEvent<T>(Stream body, string name, T value, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        await body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"event: {name}\ndata: {JsonSerializer.Serialize(value, type)}\n\n"), cancellation);
    }
}
