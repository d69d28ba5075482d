using System.Runtime.CompilerServices;
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Thomas.Tests.Harness;

/// <summary>
/// Floats whose last one ends at a page that may not be touched (Linux), so that reading or writing past the end stops the test run.
/// On other systems, marker values after the end are checked on disposal. Pages of small buffers are used again, with their guard: mapping and protecting them
/// for each buffer takes longer than many of the kernels.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const float Marker = -987654.25f;
    private static readonly nuint Page = (nuint)Environment.SystemPageSize;

    /// <summary>Pages up to which a mapping is kept, and mappings that are kept of each size.</summary>
    private const int PooledPages = 256, PooledOfASize = 32;

    private static readonly Stack<nint>?[] Pool = new Stack<nint>?[PooledPages + 1];
    private static readonly Lock PoolLock = new();
    private readonly nuint _blockBytes;
    private byte* _block;

    /// <summary>Makes a buffer filled with NaN.</summary>
    public GuardedBuffer(long length)
    {
        Length = length;
        nuint bytes = (nuint)length * sizeof(float);
        _blockBytes = ((bytes + Page - 1) / Page * Page) + Page;
        if (OperatingSystem.IsLinux())
        {
            _block = Map(_blockBytes);
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
        byte* block = _block;
        _block = null;
        if (block == null) return;
        if (OperatingSystem.IsLinux())
        {
            Unmap(block, _blockBytes);
            return;
        }

        bool intact = !new Span<float>(block + _blockBytes - Page, (int)(Page / sizeof(float))).ContainsAnyExcept(Marker);
        NativeMemory.Free(block);
        if (!intact) throw new InvalidOperationException("Something was written past the end of a buffer.");
    }

    /// <summary>Pages of which the last one may not be touched, from the pool if it has some of this size.</summary>
    private static byte* Map(nuint bytes)
    {
        lock (PoolLock)
        {
            if (bytes / Page <= PooledPages && Pool[bytes / Page] is { Count: > 0 } free) return (byte*)free.Pop();
        }

        byte* block = (byte*)MemoryMap(null, bytes, ReadWrite, PrivateAnonymous, -1, 0);
        if (block == (byte*)-1 || MemoryProtect(block + bytes - Page, Page, 0) != 0) throw new InvalidOperationException("Cannot map a guarded buffer.");
        return block;
    }

    private static void Unmap(byte* block, nuint bytes)
    {
        if (bytes / Page <= PooledPages)
        {
            lock (PoolLock)
            {
                Stack<nint> free = Pool[bytes / Page] ??= new Stack<nint>(PooledOfASize);
                if (free.Count < PooledOfASize)
                {
                    free.Push((nint)block);
                    return;
                }
            }
        }

        _ = MemoryUnmap(block, bytes);
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MemoryMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int MemoryProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int MemoryUnmap(void* address, nuint length);
}
