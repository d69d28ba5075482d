using System;
using System.IO.MemoryMappedFiles;

using Microsoft.Win32.SafeHandles;

namespace Thomas.Data;

/// <summary>Crops of one size by slot number, ready to be read from several threads.</summary>
internal abstract class CropStore : IDisposable
{
    /// <summary>Bytes of a crop.</summary>
    /// <param name="slot">Its number.</param>
    public abstract ReadOnlySpan<byte> Crop(int slot);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Takes the crops of a set while it is prepared. <see cref="Write"/> may be called from several threads, once for each slot.</summary>
internal interface ICropWriter : IDisposable
{
    void Write(int slot, ReadOnlySpan<byte> crop);

    /// <summary>Ends writing.</summary>
    /// <param name="failures">For each picture why it could not be used, or null.</param>
    /// <returns>The crops for reading.</returns>
    CropStore Complete(string?[] failures);
}

/// <summary>Crops in managed memory, one array each: a large set as one array would run into the limit of 2 GiB.</summary>
internal sealed class MemoryCrops(int slots) : CropStore, ICropWriter
{
    private readonly byte[]?[] _crops = new byte[slots][];

    public override ReadOnlySpan<byte> Crop(int slot) => _crops[slot];

    public void Write(int slot, ReadOnlySpan<byte> crop) => _crops[slot] = crop.ToArray();

    public CropStore Complete(string?[] failures) => this;

    public override void Dispose()
    {
        // Nothing but managed memory; the set that owns this drops it.
    }
}

/// <summary>Crops in a memory-mapped file.</summary>
internal sealed unsafe class MappedCrops : CropStore
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _handle;
    private readonly int _cropBytes;
    private readonly long _offset;
    private readonly byte* _start;
    private bool _disposed;

    /// <summary>Takes over a mapped file.</summary>
    /// <param name="file">The file; disposed with this.</param>
    /// <param name="offset">Byte offset of slot 0.</param>
    /// <param name="cropBytes">Bytes of a crop.</param>
    public MappedCrops(MemoryMappedFile file, long offset, int cropBytes)
    {
        _file = file;
        _offset = offset;
        _cropBytes = cropBytes;
        _view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _handle = _view.SafeMemoryMappedViewHandle;
        byte* start = null;
        _handle.AcquirePointer(ref start);
        _start = start + _view.PointerOffset;
    }

    public override ReadOnlySpan<byte> Crop(int slot)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ReadOnlySpan<byte>(_start + _offset + ((long)slot * _cropBytes), _cropBytes);
    }

    // Without it a set that is forgotten stays mapped: the handle counts the pointer that was acquired.
    ~MappedCrops()
    {
        if (!_disposed) _handle?.ReleasePointer();
    }

    public override void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _handle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
            GC.SuppressFinalize(this);
        }
    }
}
