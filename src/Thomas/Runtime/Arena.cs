using System;
using System.Runtime.InteropServices;

namespace Thomas.Runtime;

/// <summary>Native, zeroed memory with an owner, aligned to 64 bytes or more and in large pages where the system has them.</summary>
internal sealed unsafe class Arena : IDisposable
{
    private byte* _pointer;

    public Arena(long bytes)
    {
        SizeBytes = bytes;
        try
        {
            _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), LargePages.Alignment(bytes));
        }
        catch (OutOfMemoryException e)
        {
            throw new ThomasException($"Not enough memory: {SizeBytes / 1048576.0:F1} MiB are needed in one piece.", e);
        }

        LargePages.Advise(_pointer, bytes);
        NativeMemory.Clear(_pointer, (nuint)SizeBytes);
    }

    ~Arena() => Free();

    public long SizeBytes { get; }

    public byte* Pointer => _pointer;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
