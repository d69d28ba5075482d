using System;
using System.Runtime.InteropServices;

namespace Thomas.Tests.Harness;

/// <summary>
/// Floats whose last one ends at a page that may not be touched (Linux), so that reading or writing past the end stops the test run.
/// On other systems, marker values after the end are checked on disposal.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const float Marker = -987654.25f;
    private static readonly nuint Page = (nuint)Environment.SystemPageSize;
    private readonly byte* _block;
    private readonly nuint _blockBytes;

    /// <summary>Makes a buffer filled with NaN.</summary>
    public GuardedBuffer(long length)
    {
        Length = length;
        nuint bytes = (nuint)length * sizeof(float);
        _blockBytes = ((bytes + Page - 1) / Page * Page) + Page;
        if (OperatingSystem.IsLinux())
        {
            _block = (byte*)MemoryMap(null, _blockBytes, ReadWrite, PrivateAnonymous, -1, 0);
            if (_block == (byte*)-1 || MemoryProtect(_block + _blockBytes - Page, Page, 0) != 0)
            {
                throw new InvalidOperationException("Cannot map a guarded buffer.");
            }
        }
        else
        {
            _block = (byte*)NativeMemory.Alloc(_blockBytes);
            new Span<float>(_block + _blockBytes - Page, (int)(Page / sizeof(float))).Fill(Marker);
        }

        Pointer = (float*)(_block + _blockBytes - Page - bytes);
        Span.Fill(float.NaN);
    }

    public long Length { get; }

    public float* Pointer { get; }

    public Span<float> Span => new(Pointer, checked((int)Length));

    /// <summary>A buffer of repeatable values in [-1, 1).</summary>
    public static GuardedBuffer Random(long length, int seed)
    {
        GuardedBuffer buffer = new(length);
        Random random = new(seed);
        foreach (ref float value in buffer.Span)
            value = (random.NextSingle() * 2f) - 1f;
        return buffer;
    }

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = MemoryUnmap(_block, _blockBytes);
            return;
        }

        bool intact = !new Span<float>(_block + _blockBytes - Page, (int)(Page / sizeof(float))).ContainsAnyExcept(Marker);
        NativeMemory.Free(_block);
        if (!intact) throw new InvalidOperationException("Something was written past the end of a buffer.");
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MemoryMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int MemoryProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MemoryUnmap(void* address, nuint length);
}
