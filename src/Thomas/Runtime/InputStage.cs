using System;

namespace Thomas.Runtime;

/// <summary>
/// How the host puts an input of a graph into the memory of a device that is not the host. For each run: write all of <see cref="Stage"/>, then
/// <see cref="Send"/>. Where <see cref="GoesAhead"/>, <see cref="SendAhead"/> may stand between the two, while the run before is still under way.
/// </summary>
internal abstract class InputStage : IDisposable
{
    /// <summary>Whether the input of the next run may be written and sent while the device is busy with the present one.</summary>
    public virtual bool GoesAhead => false;

    /// <summary>Bytes of the device's memory beside the input itself.</summary>
    public virtual long DeviceBytes => 0;

    /// <summary>Bytes of the host's memory.</summary>
    public abstract long HostBytes { get; }

    /// <summary>
    /// The host's memory for the input of the next run. It waits until nothing reads the memory any more; an input that was sent ahead and is not wanted after
    /// all is forgotten. What was written stays until it is sent.
    /// </summary>
    public abstract Span<float> Stage();

    /// <summary>Begins to bring what was written to the device, where <see cref="GoesAhead"/>.</summary>
    public virtual void SendAhead()
    {
    }

    /// <summary>Makes what was written the input of the work that is put into the device's queue from now on.</summary>
    public abstract void Send();

    /// <summary>Once the work that reads the input has ended: fails if the input had not come there.</summary>
    /// <exception cref="DeviceException">It had not.</exception>
    public virtual void Confirm()
    {
    }

    /// <summary>Frees its memory, once no work in the queue uses it.</summary>
    public virtual void Dispose()
    {
    }
}

/// <summary>An input that is written into a buffer and copied from there in its turn.</summary>
/// <param name="place">Where the input lies.</param>
internal sealed class BufferedInput(MemorySpan place) : InputStage
{
    private readonly float[] _buffer = new float[place.Bytes / sizeof(float)];

    /// <inheritdoc/>
    public override long HostBytes => place.Bytes;

    /// <inheritdoc/>
    public override Span<float> Stage() => _buffer;

    /// <inheritdoc/>
    public override void Send() => place.Memory!.WriteFloats(place.Offset, _buffer);
}
