using System;
using System.Threading;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>What goes wrong on a device, for tests of what happens then.</summary>
internal sealed class OpenClFaults
{
    private int _launches, _uploads;

    /// <summary>Programs that the compiler is said to refuse.</summary>
    public Func<OpenClProgram, bool>? Refuses { get; init; }

    /// <summary>Programs whose launches do nothing, so that their results are wrong.</summary>
    public Func<OpenClProgram, bool>? DoesNothing { get; init; }

    /// <summary>Sizes of buffers that the device is said to have no memory for.</summary>
    public Func<long, bool>? RefusesBuffer { get; init; }

    /// <summary>Launches after which everything on the device fails; none by default.</summary>
    public int LostAfter { get; set; } = int.MaxValue;

    /// <summary>Uploads ahead of their turn after which everything on the device fails; none by default.</summary>
    public int UploadsLostAfter { get; init; } = int.MaxValue;

    /// <summary>The status that it then fails with.</summary>
    public int LostStatus { get; init; } = ClError.OutOfResources;

    /// <summary>
    /// Whether the device is a simulator which, of what the host has written to a buffer, remembers only the last piece, and as if it lay at the beginning: it
    /// takes everything else for uninitialized.
    /// </summary>
    public bool ForgetsWrites { get; init; }

    /// <summary>Launches so far.</summary>
    public int Launches => Volatile.Read(ref _launches);

    /// <summary>Uploads ahead of their turn so far.</summary>
    public int Uploads => Volatile.Read(ref _uploads);

    /// <summary>Counts an upload ahead of its turn.</summary>
    public void CountUpload() => Interlocked.Increment(ref _uploads);

    /// <summary>Counts a launch. Says whether it is to be left out.</summary>
    public bool Skips(OpenClLaunch launch)
    {
        Interlocked.Increment(ref _launches);
        return DoesNothing?.Invoke(launch.Program) == true;
    }

    /// <summary>The status of work that the driver gave a status.</summary>
    public int StatusAfter(int status) => Launches > LostAfter || Uploads > UploadsLostAfter ? LostStatus : status;
}
