using System;
using System.Threading;

namespace Thomas.Runtime.OpenCl;

/// <summary>A buffer of an OpenCL device.</summary>
internal sealed unsafe class OpenClMemory : DeviceMemory
{
    // What is copied by way of a third buffer.
    private const long SwapBytes = 16L << 20;

    // The size of the pattern that memory is set to; offsets and sizes are its multiples.
    private const int PatternBytes = 4;

    private readonly OpenClDevice _device;
    private readonly long _padded;
    private nint _handle;

    /// <param name="device">The device.</param>
    /// <param name="bytes">Its size.</param>
    /// <exception cref="NotEnoughMemoryException">The device has not so much, or not in one buffer.</exception>
    public OpenClMemory(OpenClDevice device, long bytes)
    {
        (_device, SizeBytes) = (device, bytes);
        _padded = (Math.Max(bytes, 1) + PatternBytes - 1) / PatternBytes * PatternBytes;
        _handle = device.CreateBuffer(_padded);
        try
        {
            // The first access is where a driver that promises more than it has says so.
            Fill(0, _padded, isNew: true);
            WriteWhole();
        }
        catch
        {
            Release();
            throw;
        }
    }

    ~OpenClMemory() => Release();

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <summary>The device.</summary>
    public OpenClDevice Device => _device;

    /// <summary>The buffer's handle.</summary>
    /// <exception cref="ObjectDisposedException">It is freed.</exception>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return _handle;
        }
    }

    /// <inheritdoc/>
    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty) return;
        CheckRange(offset, source.Length);
        _device.Write(Handle, offset, source);
        WriteWhole();
    }

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> target)
    {
        if (target.IsEmpty) return;
        CheckRange(offset, target.Length);
        _device.Read(Handle, offset, target);
    }

    /// <inheritdoc/>
    public override void CopyTo(long offset, DeviceMemory target, long targetOffset, long bytes)
    {
        if (bytes == 0) return;
        OpenClMemory other = (OpenClMemory)target;
        CheckRange(offset, bytes);
        other.CheckRange(targetOffset, bytes);
        _device.Copy(Handle, offset, other.Handle, targetOffset, bytes);
        other.WriteWhole();
    }

    /// <inheritdoc/>
    public override void Swap(long offset, DeviceMemory other, long otherOffset, long bytes)
    {
        if (bytes == 0) return;
        OpenClMemory second = (OpenClMemory)other;
        CheckRange(offset, bytes);
        second.CheckRange(otherOffset, bytes);
        using OpenClMemory between = new(_device, Math.Min(bytes, SwapBytes));
        for (long at = 0; at < bytes; at += SwapBytes)
        {
            long piece = Math.Min(SwapBytes, bytes - at);
            _device.Copy(Handle, offset + at, between.Handle, 0, piece);
            _device.Copy(second.Handle, otherOffset + at, Handle, offset + at, piece);
            _device.Copy(between.Handle, 0, second.Handle, otherOffset + at, piece);
        }

        WriteWhole();
        second.WriteWhole();
    }

    /// <inheritdoc/>
    public override void Clear(long offset, long bytes)
    {
        if (bytes == 0) return;
        CheckRange(offset, bytes);
        long whole = offset % PatternBytes == 0 ? bytes / PatternBytes * PatternBytes : 0;
        if (whole > 0) Fill(offset, whole, isNew: false);
        if (whole < bytes) _device.Write(Handle, offset + whole, new byte[bytes - whole]);
        WriteWhole();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    // The driver keeps the buffer until the work that uses it has ended.
    private void Release()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0) _device.ReleaseBuffer(handle, _padded);
    }

    private void Fill(long offset, long bytes, bool isNew)
    {
        uint zero = 0;
        int status = Cl.clEnqueueFillBuffer(_device.Queue, _handle, &zero, PatternBytes, (nuint)offset, (nuint)bytes, 0, null, null);
        if (isNew && status is (ClError.OutOfMemory or ClError.OutOfResources or ClError.OutOfHostMemory)) throw _device.NotEnough(bytes, status);
        ClError.Check(status, _device.Name, "set memory to zero");
    }

    /// <summary>Writes all that it holds once more, in one piece, for a simulator that takes the last write for the only one.</summary>
    private void WriteWhole()
    {
        if (!_device.WritesWhole) return;
        byte[] all = new byte[_padded];
        _device.Read(Handle, 0, all);
        _device.Write(Handle, 0, all);
    }

    private void CheckRange(long offset, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, SizeBytes);
    }
}
