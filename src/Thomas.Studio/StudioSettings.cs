using System;
using System.Net;
using System.Net.Http;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Studio;

/// <summary>How a studio is run.</summary>
internal sealed record StudioSettings
{
    /// <summary>Where models and projects are kept.</summary>
    public required string Folder { get; init; }

    /// <summary>How long to wait for another studio that has the folder, and may be about to end.</summary>
    public TimeSpan FolderWait { get; init; }

    /// <summary>
    /// The port; 0 for any that is free, the one of the last start if it is: to a browser another port is another site, with settings of its own.
    /// </summary>
    public int Port { get; init; } = 5480;

    /// <summary>The address to be reached at from other devices, by TLS only; null for this device alone.</summary>
    public IPAddress? Listen { get; init; }

    /// <summary>Device and threads, also of runs that do not ask for another device.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Makes what decodes images, for so many bytes of memory; 0 for what all decoders of the program share.</summary>
    public Func<long, IImageDecoder> Decoder { get; init; } = static memory => ImageDecoders.Best(memory: memory);

    /// <summary>When runs pause by themselves; null for never.</summary>
    public RunGuard? Guard { get; init; }

    /// <summary>How the last layer is trained while images arrive.</summary>
    public TrainerOptions Head { get; init; } = TrainerOptions.LastLayer;

    /// <summary>Digits that the starter model learns.</summary>
    public int StarterDigits { get; init; } = 6_000;

    /// <summary>Whether the starter model is made at the start, where it is missing, and not when it is first used.</summary>
    public bool MakesStarter { get; init; } = true;

    /// <summary>A folder to serve the page from instead of the program's own copy, for those who work on it.</summary>
    public string? PageFolder { get; init; }

    /// <summary>What stands for <c>/sys</c>; null for the system's.</summary>
    public string? SensorRoot { get; init; }

    /// <summary>Sends the requests of downloads, for tests; null for the usual one.</summary>
    public HttpMessageHandler? PullHandler { get; init; }

    /// <summary>Bounds.</summary>
    public StudioLimits Limits { get; init; } = new();

    /// <summary>The head is trained when no image has arrived for so long ...</summary>
    public TimeSpan TrainAfter { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>... or, while they keep arriving, this long after the first.</summary>
    public TimeSpan TrainEvery { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>Bounds of what a studio takes in and does at once.</summary>
internal sealed record StudioLimits
{
    /// <summary>Bytes of an encoded image.</summary>
    public int ImageBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of a model file.</summary>
    public long ModelBytes { get; init; } = 512L << 20;

    /// <summary>Bytes of a JSON body.</summary>
    public int JsonBytes { get; init; } = 64 << 10;

    /// <summary>Images of a project.</summary>
    public int ImagesPerProject { get; init; } = 20_000;

    /// <summary>Projects.</summary>
    public int Projects { get; init; } = 1_000;

    /// <summary>Models, the starter not counted.</summary>
    public int Models { get; init; } = 100;

    /// <summary>Projects whose network is in memory at once, unless more are in use.</summary>
    public int OpenProjects { get; init; } = 2;

    /// <summary>Images that are received, decoded and computed at once; each may hold its encoded bytes and its pixels.</summary>
    public int HeavyAtOnce { get; init; } = 4;

    /// <summary>Requests that wait for that; more are told to come back later.</summary>
    public int HeavyWaiting { get; init; } = 16;

    /// <summary>Streams of events at once.</summary>
    public int EventStreams { get; init; } = 32;

    /// <summary>Connections at once.</summary>
    public int Connections { get; init; } = 128;
}
