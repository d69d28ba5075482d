using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Copies of what is on its way to a device. The caller may change its bytes at once, and the device is not waited for. Much data goes by way of a ring of
/// pinned pieces, from which the device takes it without the driver's help; a device in the memory of the host, and little data, by way of ordinary copies,
/// which are freed when the device has taken them.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="pins">Whether much data goes by way of pinned memory.</param>
internal sealed unsafe class OpenClStaging(OpenClDevice device, bool pins)
{
    // Beyond it a write waits for the oldest, so that a host which is faster than its device does not fill its memory.
    private const long MostBytes = 256L << 20;
    private const int PieceBytes = 4 << 20, MostPieces = 8, LeastPinnedBytes = 64 << 10;

    /// <summary>The most that is pinned.</summary>
    public const long PinnedBytes = (long)PieceBytes * MostPieces;

    private readonly Queue<(nint Copy, long Bytes, nint Happening)> _pending = new();
    private readonly Queue<PinnedPiece> _pieces = new();
    private readonly Lock _lock = new();
    private long _bytes;
    private int _made;

    /// <summary>Puts a write into the queue.</summary>
    public void Write(nint buffer, long offset, ReadOnlySpan<byte> source)
    {
        lock (_lock)
        {
            FreeEnded();
            if (pins && source.Length >= LeastPinnedBytes) WritePieces(buffer, offset, source);
            else WriteCopy(buffer, offset, source);
        }
    }

    /// <summary>Frees what the device has taken.</summary>
    public void Free()
    {
        lock (_lock) FreeEnded();
    }

    private void WritePieces(nint buffer, long offset, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            if (TakePiece() is not PinnedPiece piece)
            {
                WriteCopy(buffer, offset, source);
                return;
            }

            int count = Math.Min(source.Length, PieceBytes);
            source[..count].CopyTo(new Span<byte>((void*)piece.Host, PieceBytes));
            try
            {
                Enqueue(buffer, offset, (void*)piece.Host, count, out nint happening);
                piece.Happening = happening;
            }
            finally
            {
                _pieces.Enqueue(piece);
            }

            source = source[count..];
            offset += count;
        }
    }

    /// <summary>A piece that the device does not read: a new one, or the oldest, once it is free. Null where memory cannot be pinned.</summary>
    private PinnedPiece? TakePiece()
    {
        if (_pieces.TryPeek(out PinnedPiece? oldest) && (oldest.Happening == 0 || HasEnded(oldest.Happening))) return Freed(_pieces.Dequeue());
        if (_made < MostPieces)
        {
            if (Pin() is not PinnedPiece made) return oldest is null ? null : Waited();
            _made++;
            return made;
        }

        return Waited();

        PinnedPiece Waited()
        {
            PinnedPiece piece = _pieces.Dequeue();
            nint happening = piece.Happening;
            ClError.Check(Cl.clWaitForEvents(1, &happening), device.Name, "take data");
            return Freed(piece);
        }
    }

    private static PinnedPiece Freed(PinnedPiece piece)
    {
        if (piece.Happening != 0) _ = Cl.clReleaseEvent(piece.Happening);
        piece.Happening = 0;
        return piece;
    }

    private PinnedPiece? Pin()
    {
        int status;
        nint buffer = Cl.clCreateBuffer(device.Context, ClConstant.MemoryReadWrite | ClConstant.MemoryAllocHost, PieceBytes, null, &status);
        if (status != Cl.Success) return null;
        void* host = Cl.clEnqueueMapBuffer(device.Queue, buffer, Cl.True, ClConstant.MapWrite, 0, PieceBytes, 0, null, null, &status);
        if (status == Cl.Success) return new PinnedPiece((nint)host);
        _ = Cl.clReleaseMemObject(buffer);
        return null;
    }

    private void WriteCopy(nint buffer, long offset, ReadOnlySpan<byte> source)
    {
        if (_bytes + source.Length > MostBytes && _pending.Count > 0)
        {
            ClError.Check(Cl.clFinish(device.Queue), device.Name, "finish its work");
            FreeEnded();
        }

        byte* copy = (byte*)NativeMemory.Alloc((nuint)source.Length);
        source.CopyTo(new Span<byte>(copy, source.Length));
        try
        {
            Enqueue(buffer, offset, copy, source.Length, out nint happening);
            _pending.Enqueue(((nint)copy, source.Length, happening));
            _bytes += source.Length;
        }
        catch
        {
            NativeMemory.Free(copy);
            throw;
        }
    }

    private void Enqueue(nint buffer, long offset, void* source, int bytes, out nint happening)
    {
        nint done;
        int status = Cl.clEnqueueWriteBuffer(device.Queue, buffer, Cl.False, (nuint)offset, (nuint)bytes, source, 0, null, &done);
        ClError.Check(status, device.Name, "take data");
        happening = done;
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

    /// <summary>Memory of the host that the device reads by itself; kept as long as the device.</summary>
    private sealed class PinnedPiece(nint host)
    {
        /// <summary>Its address.</summary>
        public nint Host => host;

        /// <summary>The event of the last write from it; 0 for none.</summary>
        public nint Happening { get; set; }
    }
}
