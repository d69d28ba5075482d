using System;
using System.IO;
using System.IO.Hashing;

using Microsoft.Win32.SafeHandles;

namespace Thomas.Data;

/// <summary>Crops of one size by slot number, ready to be read from several threads.</summary>
internal abstract class CropStore : IDisposable
{
    /// <summary>Bytes of a crop.</summary>
    /// <param name="slot">Its number.</param>
    /// <param name="buffer">Memory for a crop, which the result may lie in.</param>
    /// <param name="crop">The bytes, valid until the buffer is written again.</param>
    /// <returns>Whether the crop is there, and what it was when the set was prepared.</returns>
    public abstract bool TryRead(int slot, Span<byte> buffer, out ReadOnlySpan<byte> crop);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Takes the crops of a set while it is prepared. <see cref="Write"/> may be called from several threads, once for each slot.</summary>
internal interface ICropWriter : IDisposable
{
    void Write(int slot, ReadOnlySpan<byte> crop);

    /// <summary>Ends writing.</summary>
    /// <param name="failures">For each image why it could not be used, or null.</param>
    /// <returns>The crops for reading.</returns>
    CropStore Complete(string?[] failures);
}

/// <summary>Crops in managed memory, one array each: a large set as one array would run into the limit of 2 GiB.</summary>
internal sealed class MemoryCrops(int slots) : CropStore, ICropWriter
{
    private readonly byte[]?[] _crops = new byte[slots][];

    public override bool TryRead(int slot, Span<byte> buffer, out ReadOnlySpan<byte> crop)
    {
        crop = _crops[slot];
        return true;
    }

    public void Write(int slot, ReadOnlySpan<byte> crop) => _crops[slot] = crop.ToArray();

    public CropStore Complete(string?[] failures) => this;

    public override void Dispose()
    {
        // Nothing but managed memory; the set that owns this drops it.
    }
}

/// <summary>
/// Crops in a file, read one by one and checked each time. The file is not mapped into memory: another program that cuts it short would then end this one
/// (SIGBUS on Linux), and one that writes into it would change the images without a word. What is read often stays in the system's file cache all the same.
/// </summary>
/// <param name="file">The open file; disposed with this.</param>
/// <param name="offset">Byte offset of slot 0.</param>
/// <param name="cropBytes">Bytes of a crop.</param>
/// <param name="hashes">XXH3 of each crop.</param>
internal sealed class FileCrops(FileStream file, long offset, int cropBytes, ulong[] hashes) : CropStore
{
    private readonly SafeFileHandle _handle = file.SafeFileHandle;

    public override bool TryRead(int slot, Span<byte> buffer, out ReadOnlySpan<byte> crop)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        Span<byte> bytes = buffer[..cropBytes];
        crop = bytes;
        try
        {
            int read = 0, count;
            long at = offset + ((long)slot * cropBytes);
            while (read < cropBytes && (count = RandomAccess.Read(_handle, bytes[read..], at + read)) > 0) read += count;
            return read == cropBytes && XxHash3.HashToUInt64(bytes) == hashes[slot];
        }
        catch (IOException)
        {
            return false;
        }
    }

    public override void Dispose() => file.Dispose();
}
