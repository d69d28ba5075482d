using System;

namespace Thomas.Runtime.OpenCl;

/// <summary>An input that the host writes where it lies in the device's memory: nothing is copied where both have the same memory.</summary>
/// <param name="device">The device.</param>
/// <param name="place">Where the input lies.</param>
internal sealed unsafe class OpenClMappedInput(OpenClDevice device, MemorySpan place) : InputStage
{
    private void* _mapped;

    // Where the driver cannot map the buffer.
    private BufferedInput? _instead;

    /// <inheritdoc/>
    public override long HostBytes => _instead?.HostBytes ?? 0;

    /// <inheritdoc/>
    public override Span<float> Stage()
    {
        if (_instead is not null) return _instead.Stage();
        if (_mapped is null)
        {
            nint buffer = ((OpenClMemory)place.Memory!).Handle;
            _mapped = device.Map(buffer, place.Offset, place.Bytes, ClConstant.MapOverwrite, out bool isRefused);
            if (isRefused) return (_instead = new BufferedInput(place)).Stage();
        }

        return new Span<float>(_mapped, (int)(place.Bytes / sizeof(float)));
    }

    /// <inheritdoc/>
    public override void Send()
    {
        _instead?.Send();
        if (_mapped is null) return;
        void* mapped = _mapped;
        _mapped = null;
        device.Unmap(((OpenClMemory)place.Memory!).Handle, mapped);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_mapped is not null && !device.IsLost)
        {
            _ = Cl.clEnqueueUnmapMemObject(device.Queue, ((OpenClMemory)place.Memory!).Handle, _mapped, 0, null, null);
        }

        _mapped = null;
        base.Dispose();
    }
}
