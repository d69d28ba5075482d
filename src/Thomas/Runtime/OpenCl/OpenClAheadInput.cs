using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// An input that goes to the device while the device computes: from pinned memory of the host, by way of a queue of its own, into a buffer of the device. When
/// its turn comes, the main queue waits for that and copies on the device, which takes a small part of the time. One buffer is enough: the copy is the first
/// thing of a run, and the next upload waits for it. The buffer is made for the first input that goes ahead; without memory for it none does.
/// </summary>
internal sealed unsafe class OpenClAheadInput : InputStage
{
    private readonly OpenClDevice _device;
    private readonly MemorySpan _place;
    private readonly nint _pinned;
    private readonly void* _host;
    private OpenClMemory? _buffer;
    private nint _uploaded, _placed;
    private int _isReleased;
    private bool _isAhead, _isUnconfirmed, _isRefused;

    /// <param name="device">The device.</param>
    /// <param name="place">Where the input lies.</param>
    public OpenClAheadInput(OpenClDevice device, MemorySpan place)
    {
        (_device, _place) = (device, place);
        _pinned = Pin(out _host);
        if (_pinned == 0) _host = NativeMemory.AllocZeroed((nuint)place.Bytes);
    }

    ~OpenClAheadInput() => Release();

    /// <inheritdoc/>
    public override bool GoesAhead => !_isRefused;

    /// <inheritdoc/>
    public override long DeviceBytes => _buffer is null ? 0 : _place.Bytes;

    /// <inheritdoc/>
    public override long HostBytes => _place.Bytes;

    /// <inheritdoc/>
    public override Span<float> Stage()
    {
        ObjectDisposedException.ThrowIf(_isReleased != 0, this);
        _isAhead = false;
        if (_uploaded != 0)
        {
            nint happening = _uploaded;
            _device.Check(Cl.clWaitForEvents(1, &happening), "take data");
            Forget(ref _uploaded);
        }

        return new Span<float>(_host, (int)(_place.Bytes / sizeof(float)));
    }

    /// <inheritdoc/>
    public override void SendAhead()
    {
        if (!HasBuffer()) return;
        nint placed = _placed, uploaded;
        _device.CountUpload();
        int status = Cl.clEnqueueWriteBuffer(
            _device.UploadQueue, _buffer!.Handle, Cl.False, 0, (nuint)_place.Bytes, _host, placed == 0 ? 0u : 1u, placed == 0 ? null : &placed, &uploaded);
        _device.Check(status, "take data");
        Forget(ref _uploaded);
        _uploaded = uploaded;
        _isAhead = true;
        _device.Check(Cl.clFlush(_device.UploadQueue), "take data");
    }

    /// <inheritdoc/>
    public override void Send()
    {
        nint target = ((OpenClMemory)_place.Memory!).Handle, uploaded = _uploaded, done;
        if (_isAhead)
        {
            int status = Cl.clEnqueueCopyBuffer(
                _device.Queue, _buffer!.Handle, target, 0, (nuint)_place.Offset, (nuint)_place.Bytes, 1, &uploaded, &done);
            _device.Check(status, "copy its memory");
            Forget(ref _placed);
            _placed = done;

            // The next upload waits for this copy, which must be on its way for that.
            _device.Flush();
        }
        else
        {
            int status = Cl.clEnqueueWriteBuffer(
                _device.Queue, target, Cl.False, (nuint)_place.Offset, (nuint)_place.Bytes, _host, 0, null, &done);
            _device.Check(status, "take data");
            Forget(ref _uploaded);
            _uploaded = done;
        }

        (_isAhead, _isUnconfirmed) = (false, true);
    }

    /// <inheritdoc/>
    public override void Confirm()
    {
        if (!_isUnconfirmed) return;
        _isUnconfirmed = false;

        // Not every driver ends what comes later in the queue with an error as well.
        CheckEnded(_placed);
        if (!_isAhead) CheckEnded(_uploaded);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Release();
        _buffer?.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    private static void Forget(ref nint happening)
    {
        nint known = happening;
        happening = 0;
        if (known != 0) _ = Cl.clReleaseEvent(known);
    }

    private void CheckEnded(nint happening)
    {
        if (happening == 0) return;
        int status = 0;
        if (Cl.clGetEventInfo(happening, ClConstant.EventStatus, sizeof(int), &status, null) == Cl.Success && status < 0) _device.Check(status, "take data");
    }

    private bool HasBuffer()
    {
        if (_buffer is not null || _isRefused) return !_isRefused;
        try
        {
            _buffer = new OpenClMemory(_device, _place.Bytes);

            // New memory is set to zero by the main queue, which must not come after the first upload.
            _device.Finish();
        }
        catch (NotEnoughMemoryException)
        {
            _isRefused = true;
        }

        return !_isRefused;
    }

    /// <summary>Memory of the host that the device reads by itself; 0 where there is none.</summary>
    private nint Pin(out void* host)
    {
        host = null;
        int status;
        nint pinned = Cl.clCreateBuffer(_device.Context, ClConstant.MemoryReadWrite | ClConstant.MemoryAllocHost, (nuint)_place.Bytes, null, &status);
        if (status != Cl.Success) return 0;
        host = Cl.clEnqueueMapBuffer(
            _device.UploadQueue, pinned, Cl.True, ClConstant.MapRead | ClConstant.MapWrite, 0, (nuint)_place.Bytes, 0, null, null, &status);
        if (status == Cl.Success) return pinned;
        _ = Cl.clReleaseMemObject(pinned);
        return 0;
    }

    private void Release()
    {
        if (_host is null || Interlocked.Exchange(ref _isReleased, 1) != 0) return;
        if (_pinned != 0)
        {
            // The queue comes to this after the last upload, and keeps the memory until then. What the main queue reads from it is waited for.
            Wait();
            _ = Cl.clEnqueueUnmapMemObject(_device.UploadQueue, _pinned, _host, 0, null, null);
            _ = Cl.clFlush(_device.UploadQueue);
            _ = Cl.clReleaseMemObject(_pinned);
        }
        else
        {
            Wait();
            NativeMemory.Free(_host);
        }

        Forget(ref _uploaded);
        Forget(ref _placed);
    }

    /// <summary>Waits until nothing reads the host's memory any more; where the device is lost, nothing does.</summary>
    private void Wait()
    {
        nint happening = _uploaded;
        if (happening != 0) _ = Cl.clWaitForEvents(1, &happening);
    }
}
