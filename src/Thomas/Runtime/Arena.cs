using System;
using System.Runtime.InteropServices;

namespace Thomas.Runtime;

/// <summary>Native, 64-byte aligned, zeroed memory with an owner.</summary>
internal sealed unsafe class Arena : IDisposable
{
    private byte* _pointer;

    public Arena(long bytes)
    {
        SizeBytes = bytes;
        try
        {
            _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        }
        catch (OutOfMemoryException e)
        {
            throw new ThomasException($"Not enough memory: {SizeBytes / 1048576.0:F1} MiB are needed in one piece.", e);
        }

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
