using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// A device that computes through OpenCL. Work goes into one queue, which runs it in order; only reading waits. What it has no kernels for runs on the CPU.
/// </summary>
internal sealed unsafe class OpenClDevice : Device
{
    // More than any driver asks of a buffer's beginning or of a sub-buffer.
    private const long OffsetAlignment = 512;

    private static readonly ConcurrentDictionary<(int Number, OpenClSettings Settings), Lazy<OpenClDevice>> Opened = new();

    private readonly int _number;
    private readonly OpenClSettings _settings;
    private readonly nint _context;
    private readonly OpenClKernelContext _kernels;
    private readonly OpenClStaging _staging;
    private long _bytes;

    /// <summary>Opens a device.</summary>
    /// <param name="info">The device.</param>
    /// <param name="number">Its number among all devices.</param>
    /// <param name="settings">How it is used.</param>
    /// <param name="refuses">Programs that the compiler is said to refuse, to see what happens then; null for none.</param>
    /// <exception cref="OpenClException">It cannot be opened.</exception>
    public OpenClDevice(OpenClDeviceInfo info, int number, OpenClSettings settings, Func<OpenClProgram, bool>? refuses = null)
    {
        if (info.Problem is string problem) throw new OpenClException($"The device '{info.Name}' cannot be used: {problem}.", 0);
        (Info, _number, _settings) = (info, number, settings);
        nint device = info.Handle;
        nint* properties = stackalloc nint[3] { ClConstant.ContextPlatform, info.PlatformHandle, 0 };
        int status;
        _context = Cl.clCreateContext(properties, 1, &device, 0, 0, &status);
        ClError.Check(status, info.Name, "be opened");
        Queue = Cl.clCreateCommandQueue(_context, device, settings.Profiling ? ClConstant.QueueProfiling : 0, &status);
        ClError.Check(status, info.Name, "be given a queue");
        Programs = new OpenClPrograms(info, settings, _context, refuses);
        Limits = LimitsOf(info, settings);
        _staging = new OpenClStaging(this);
        OpenClTuner? tuner = OpenClTuner.Of(this, settings.Tune, settings.BinaryFolder, settings.CompilerOptions);
        _kernels = new OpenClKernelContext(Limits, Programs.IsBroken) { Choose = tuner is null ? null : tuner.Choose };
    }

    /// <summary>What the device says of itself.</summary>
    public OpenClDeviceInfo Info { get; }

    /// <summary>What kernels are chosen by.</summary>
    public OpenClLimits Limits { get; }

    /// <summary>Its programs.</summary>
    public OpenClPrograms Programs { get; }

    /// <summary>Handle of its queue.</summary>
    public nint Queue { get; }

    /// <summary>Handle of its context.</summary>
    public nint Context => _context;

    /// <summary>Bytes of its buffers that are not freed.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <inheritdoc/>
    public override string Name => string.Create(CultureInfo.InvariantCulture, $"opencl:{_number}");

    /// <inheritdoc/>
    public override string Identity => $"OpenCL {Info.Platform}/{Info.Name}/{Info.Driver}/{Limits}/{_settings.CompilerOptions}";

    /// <inheritdoc/>
    public override long Alignment => OffsetAlignment;

    /// <summary>The device that options ask for, opened once a process.</summary>
    /// <param name="options">Number, settings, folder of programs.</param>
    /// <exception cref="OpenClException">There is no such device, or it cannot be used.</exception>
    public static OpenClDevice Open(CompileOptions options) =>
        Open(options.DeviceNumber, OpenClSettings.Parse(options.DeviceSettings) with { BinaryFolder = options.DeviceCache });

    /// <summary>The device of a number, opened once a process.</summary>
    /// <param name="number">Its number, as <c>thomas devices</c> shows it.</param>
    /// <param name="settings">How it is used; null for the defaults.</param>
    /// <exception cref="OpenClException">There is no such device, or it cannot be used.</exception>
    public static OpenClDevice Open(int number, OpenClSettings? settings = null) =>
        Opened.GetOrAdd((number, settings ?? new OpenClSettings()), static key => new Lazy<OpenClDevice>(() =>
        {
            OpenClDevices found = OpenClDevices.Find();
            if (found.Problem is string problem) throw new OpenClException($"There is no OpenCL device: {problem}.", Cl.DeviceNotFound);
            if (key.Number < 0 || key.Number >= found.Devices.Count)
            {
                throw new OpenClException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"There is no OpenCL device {key.Number}: {(found.Devices.Count == 1 ? "the only one is 0" : $"they are 0 to {found.Devices.Count - 1}")}."),
                    Cl.DeviceNotFound);
            }

            return new OpenClDevice(found.Devices[key.Number], key.Number, key.Settings);
        })).Value;

    /// <inheritdoc/>
    public override DeviceKernel? CreateKernel(Node node)
    {
        if (node.Op.CreateOpenClKernel(node, _kernels) is not OpenClKernel kernel || !Serves(node, kernel)) return null;
        foreach (OpenClLaunch launch in kernel.Launches)
        {
            if (Programs.IsBroken(launch.Program)) return null;
            Programs.Start(launch.Program);
        }

        return kernel;
    }

    /// <inheritdoc/>
    public override bool IsReady(DeviceKernel kernel)
    {
        bool ready = true;
        foreach (OpenClLaunch launch in ((OpenClKernel)kernel).Launches) ready &= Programs.IsReady(launch.Program);
        return ready;
    }

    /// <inheritdoc/>
    public override HostDevice Fallback(CompileOptions options, int threads) => HostDevice.Of(options with { Device = DeviceKind.Cpu }, threads);

    /// <inheritdoc/>
    public override DeviceMemory Allocate(long bytes) => new OpenClMemory(this, bytes);

    /// <inheritdoc/>
    public override bool Owns(DeviceMemory memory) => memory is OpenClMemory own && ReferenceEquals(own.Device, this);

    /// <inheritdoc/>
    public override Segment Bind(IReadOnlyList<PlacedKernel> kernels, ThreadTeam team) => new OpenClSegment(this, kernels);

    /// <inheritdoc/>
    public override void Finish()
    {
        ClError.Check(Cl.clFinish(Queue), Name, "finish its work");
        _staging.Free();
    }

    /// <summary>Makes the device begin with what is in the queue.</summary>
    public void Flush() => ClError.Check(Cl.clFlush(Queue), Name, "begin its work");

    /// <summary>Whether launches are timed by the device.</summary>
    public bool MeasuresTime => _settings.Profiling;

    /// <summary>How long a launch that has ended took on the device, by its event, which is freed.</summary>
    public static double SecondsOf(nint happening)
    {
        ulong start = 0, end = 0;
        bool known = Cl.clGetEventProfilingInfo(happening, ClConstant.ProfilingStart, sizeof(ulong), &start, null) == Cl.Success
            && Cl.clGetEventProfilingInfo(happening, ClConstant.ProfilingEnd, sizeof(ulong), &end, null) == Cl.Success;
        _ = Cl.clReleaseEvent(happening);
        return known && end > start ? 1e-9 * (end - start) : 0;
    }

    /// <summary>Puts a launch into the queue.</summary>
    /// <param name="kernel">Its handle.</param>
    /// <param name="global">Work-items in three dimensions.</param>
    /// <param name="local">Work-items of a group.</param>
    /// <param name="launch">What it is.</param>
    /// <param name="happening">Receives its event; null for none.</param>
    public void Enqueue(nint kernel, nuint* global, nuint* local, OpenClLaunch launch, nint* happening)
    {
        int status = Cl.clEnqueueNDRangeKernel(Queue, kernel, 3, null, global, local, 0, null, happening);
        if (status == Cl.Success && _settings.Blocking) status = Cl.clFinish(Queue);
        if (status != Cl.Success) ClError.Check(status, Name, $"run '{launch.Function}' of '{launch.Program.Name}'");
    }

    /// <summary>Takes a buffer.</summary>
    public nint CreateBuffer(long bytes)
    {
        long largest = _settings.LargestBuffer ?? Info.LargestBuffer;
        if (bytes > largest) throw NotEnough(bytes, ClError.InvalidBufferSize);
        int status;
        nint buffer = Cl.clCreateBuffer(
            _context, ClConstant.MemoryReadWrite | (Info.IsUnified ? ClConstant.MemoryAllocHost : 0), (nuint)bytes, null, &status);
        if (status is ClError.OutOfMemory or ClError.OutOfResources or ClError.OutOfHostMemory or ClError.InvalidBufferSize) throw NotEnough(bytes, status);
        ClError.Check(status, Name, "give memory");
        Interlocked.Add(ref _bytes, bytes);
        return buffer;
    }

    /// <summary>Frees a buffer, once the work that uses it has ended.</summary>
    public void ReleaseBuffer(nint buffer, long bytes)
    {
        _ = Cl.clReleaseMemObject(buffer);
        Interlocked.Add(ref _bytes, -Math.Max(bytes, sizeof(int)));
    }

    /// <summary>The exception for memory that the device has not.</summary>
    public NotEnoughMemoryException NotEnough(long bytes, int status)
    {
        long largest = _settings.LargestBuffer ?? Info.LargestBuffer;
        string why = bytes > largest
            ? $"its largest buffer has {ByteSize.Format(largest)}"
            : $"it has {ByteSize.Format(Info.MemoryBytes)} for all programs; {ClError.NameOf(status)}";
        return new NotEnoughMemoryException(
            $"The device '{Name}' cannot give {ByteSize.Format(bytes)} of memory: {why}. Use a smaller batch or a memory bound.", bytes);
    }

    /// <summary>Copies bytes of the host into a buffer, without waiting for the device.</summary>
    public void Write(nint buffer, long offset, ReadOnlySpan<byte> source) => _staging.Write(buffer, offset, source);

    /// <summary>Waits and copies bytes of a buffer to the host.</summary>
    public void Read(nint buffer, long offset, Span<byte> target)
    {
        fixed (byte* first = target)
        {
            ClError.Check(
                Cl.clEnqueueReadBuffer(Queue, buffer, Cl.True, (nuint)offset, (nuint)target.Length, first, 0, null, null), Name, "finish its work");
        }

        _staging.Free();
    }

    /// <summary>Copies from buffer to buffer.</summary>
    public void Copy(nint source, long offset, nint target, long targetOffset, long bytes) =>
        ClError.Check(
            Cl.clEnqueueCopyBuffer(Queue, source, target, (nuint)offset, (nuint)targetOffset, (nuint)bytes, 0, null, null), Name, "copy its memory");

    /// <summary>Whether a kernel reads and writes the types that the node has. Constants of 16 bits are widened for it.</summary>
    private static bool Serves(Node node, OpenClKernel kernel)
    {
        if (kernel.ReadsOwnTypes) return true;
        foreach (Value input in node.Inputs)
        {
            if (input.Type.DType != DType.F32 && !(input.IsConstant && input.Type.DType.IsHalf())) return false;
        }

        foreach (Value output in node.Outputs)
        {
            if (output.Type.DType != DType.F32) return false;
        }

        return true;
    }

    private static OpenClLimits LimitsOf(OpenClDeviceInfo info, OpenClSettings settings)
    {
        VendorTiles? phone = info.Kind == "cpu" ? null : VendorTiles.Of(info.Vendor, info.Name, info.Version, info.ComputeUnits);
        return new OpenClLimits(
            Math.Min(info.LocalBytes, settings.LocalBytes ?? long.MaxValue), (int)Math.Min(info.WorkGroup, settings.WorkGroup ?? int.MaxValue),
            settings.ComputeUnits ?? info.ComputeUnits, settings.Family ?? (info.Kind == "cpu" ? TileFamily.Items : phone?.Family ?? TileFamily.Local),
            info.VectorWidth) { Block = phone?.Block, Tile = phone?.Tile };
    }
}
