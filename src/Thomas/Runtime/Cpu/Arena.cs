using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>Native, zeroed memory with an owner, aligned to 64 bytes or more and in large pages where the system has them.</summary>
internal sealed unsafe class Arena : HostMemory
{
    private static long _outstanding;

    private byte* _pointer;

    public Arena(long bytes)
    {
        SizeBytes = bytes;
        FreeMemory.Require(bytes);
        try
        {
            _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), LargePages.Alignment(bytes));
        }
        catch (OutOfMemoryException e)
        {
            throw FreeMemory.Missing(bytes, FreeMemory.Bytes, e);
        }

        Interlocked.Add(ref _outstanding, bytes);
        LargePages.Advise(_pointer, bytes);
        NativeMemory.Clear(_pointer, (nuint)SizeBytes);
    }

    ~Arena() => Free();

    /// <summary>Bytes of all arenas of the process.</summary>
    public static long OutstandingBytes => Interlocked.Read(ref _outstanding);

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <inheritdoc/>
    public override byte* Pointer => _pointer;

    /// <inheritdoc/>
    public override void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer == null) return;
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        Interlocked.Add(ref _outstanding, -SizeBytes);
    }
}
