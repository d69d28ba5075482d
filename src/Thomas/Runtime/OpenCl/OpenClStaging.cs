using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Copies of what is on its way to a device. The caller may change its bytes at once, and the device is not waited for; a copy is freed when the device has
/// taken it.
/// </summary>
/// <param name="device">The device.</param>
internal sealed unsafe class OpenClStaging(OpenClDevice device)
{
    // Beyond it a write waits for the oldest, so that a host which is faster than its device does not fill its memory.
    private const long MostBytes = 256L << 20;

    private readonly Queue<(nint Copy, long Bytes, nint Happening)> _pending = new();
    private readonly Lock _lock = new();
    private long _bytes;

    /// <summary>Puts a write into the queue.</summary>
    public void Write(nint buffer, long offset, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            FreeEnded();
            if (_bytes + source.Length > MostBytes && _pending.Count > 0)
            {
                ClError.Check(Cl.clFinish(device.Queue), device.Name, "finish its work");
                FreeEnded();
            }

            byte* copy = (byte*)NativeMemory.Alloc((nuint)source.Length);
            source.CopyTo(new Span<byte>(copy, source.Length));
            nint happening;
            int status = Cl.clEnqueueWriteBuffer(device.Queue, buffer, Cl.False, (nuint)offset, (nuint)source.Length, copy, 0, null, &happening);
            if (status != Cl.Success)
            {
                NativeMemory.Free(copy);
                ClError.Check(status, device.Name, "take data");
            }

            _pending.Enqueue(((nint)copy, source.Length, happening));
            _bytes += source.Length;
        }
    }

    /// <summary>Frees what the device has taken.</summary>
    public void Free()
    {
        lock (_lock) FreeEnded();
    }

    private void FreeEnded()
    {
        while (_pending.TryPeek(out (nint Copy, long Bytes, nint Happening) oldest) && HasEnded(oldest.Happening))
        {
            _ = _pending.Dequeue();
            _ = Cl.clReleaseEvent(oldest.Happening);
            NativeMemory.Free((void*)oldest.Copy);
            _bytes -= oldest.Bytes;
        }
    }

    /// <summary>Whether a command has ended, be it by an error.</summary>
    private static bool HasEnded(nint happening)
    {
        int status = 1;
        return Cl.clGetEventInfo(happening, ClConstant.EventStatus, sizeof(int), &status, null) != Cl.Success || status <= ClConstant.Complete;
    }
}
