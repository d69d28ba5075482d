using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;
using Thomas.Passes;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// A device that computes through OpenCL. Work goes into one queue, which runs it in order; only reading waits. What it has no kernels for runs on the CPU.
/// </summary>
internal sealed unsafe class OpenClDevice : Device
{
    // More than any driver asks of a buffer's beginning or of a sub-buffer.
    private const long OffsetAlignment = OpenClJoint.Unit;

    // For less, neither a queue of its own nor mapping pays.
    private const long LeastStagedBytes = 64 << 10;

    // Where a launch costs more than the update itself.
    private const int JoinedElements = 1 << 16;

    private static readonly ConcurrentDictionary<(int Number, OpenClSettings Settings), Lazy<OpenClDevice>> Opened = new();

    private readonly int _number;
    private readonly OpenClSettings _settings;
    private readonly nint _context;
    private readonly OpenClKernelContext[] _variants;
    private readonly OpenClFaults? _faults;
    private readonly OpenClSelfTest? _selfTest;
    private readonly OpenClStaging _staging;
    private readonly Lazy<nint> _uploadQueue;
    private readonly bool _maps;
    private long _bytes;
    private volatile bool _isLost;

    /// <summary>Opens a device.</summary>
    /// <param name="info">The device.</param>
    /// <param name="number">Its number among all devices.</param>
    /// <param name="settings">How it is used.</param>
    /// <param name="faults">What goes wrong, in tests; null for nothing.</param>
    /// <exception cref="OpenClException">It cannot be opened.</exception>
    public OpenClDevice(OpenClDeviceInfo info, int number, OpenClSettings settings, OpenClFaults? faults = null)
    {
        if (info.Problem is string problem) throw new OpenClException($"The device '{info.Name}' cannot be used: {problem}.", OpenClException.NoDevice);
        (Info, _number, _settings, _faults) = (info, number, settings, faults);
        nint device = info.Handle;
        nint* properties = stackalloc nint[3] { ClConstant.ContextPlatform, info.PlatformHandle, 0 };
        int status;
        _context = Cl.clCreateContext(properties, 1, &device, 0, 0, &status);
        ClError.Check(status, info.Name, "be opened");
        Queue = Cl.clCreateCommandQueue(_context, device, settings.Profiling ? ClConstant.QueueProfiling : 0, &status);
        ClError.Check(status, info.Name, "be given a queue");
        _uploadQueue = new Lazy<nint>(CreateUploadQueue);
        _maps = (settings.Transfer ?? (info.IsUnified ? TransferWay.Map : TransferWay.Copy)) == TransferWay.Map;
        Programs = new OpenClPrograms(info, settings, _context, faults);
        Limits = LimitsOf(info, settings);
        _staging = new OpenClStaging(this, pins: !info.IsUnified);
        Speed = new OpenClSpeed(this);
        OpenClTuner? tuner = OpenClTuner.Of(this, settings.Tune, settings.BinaryFolder, settings.CompilerOptions(info));
        _variants = VariantsOf(new OpenClKernelContext(Limits, Programs.IsBroken) { Choose = tuner is null ? null : tuner.Choose });
        if (settings.SelfTest) _selfTest = new OpenClSelfTest(this, settings);
    }

    /// <summary>What the device says of itself.</summary>
    public OpenClDeviceInfo Info { get; }

    /// <summary>What kernels are chosen by.</summary>
    public OpenClLimits Limits { get; }

    /// <summary>Its programs.</summary>
    public OpenClPrograms Programs { get; }

    /// <summary>What kernels are told of the device: as it is, then as if other kernels suited it, which replace those that cannot be used.</summary>
    public IReadOnlyList<OpenClKernelContext> Variants => _variants;

    /// <summary>What tries its programs; null where that is switched off.</summary>
    public OpenClSelfTest? SelfTest => _selfTest;

    /// <summary>How long its launches take.</summary>
    public OpenClSpeed Speed { get; }

    /// <summary>Handle of its queue.</summary>
    public nint Queue { get; }

    /// <summary>Handle of the queue in which inputs go to the device while the other computes.</summary>
    public nint UploadQueue => _uploadQueue.Value;

    /// <summary>Handle of its context.</summary>
    public nint Context => _context;

    /// <summary>How it is used.</summary>
    public OpenClSettings Settings => _settings;

    /// <summary>Whether buffers are written as a whole after each write of a part.</summary>
    public bool WritesWhole => _faults?.ForgetsWrites == true;

    /// <summary>Whether work on it has failed: what is in its memory is not to be trusted, and nothing new is begun on it.</summary>
    public bool IsLost => _isLost;

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Problems => Programs.Problems;

    /// <summary>Bytes of its buffers that are not freed.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <inheritdoc/>
    public override string Name => string.Create(CultureInfo.InvariantCulture, $"opencl:{_number}");

    /// <inheritdoc/>
    public override string Identity =>
        $"OpenCL {Info.Platform}/{Info.Name}/{Info.Driver}/{Limits}/{_settings.CompilerOptions(Info)}"
        + (_settings.Storage == OpenClStorage.Half ? "/half" : "") + (_settings.FusesMoments ? "" : "/moments-apart")
        + (_settings.FusesBlocks ? "/blocks-fused" : "");

    /// <inheritdoc/>
    public override long Alignment => OffsetAlignment;

    /// <inheritdoc/>
    public override bool CanOverwrite(Node node, int input) => node.Op.OpenClCanOverwrite(node, input);

    /// <inheritdoc/>
    public override int JoinedUpdateElements => _settings.Separate ? 0 : JoinedElements;

    /// <inheritdoc/>
    public override bool Wants(CompilePass pass) =>
        !pass.ForCpuCaches && !(_settings.Separate && pass.FusesKernels) && (_settings.FusesMoments || pass != CompilePasses.OpenClMoments)
        && (_settings.FusesBlocks || pass != CompilePasses.OpenClBlocks);

    /// <summary>The device that options ask for, opened once a process.</summary>
    /// <param name="options">Number, settings, folder of programs.</param>
    /// <exception cref="OpenClException">There is no such device, or it cannot be used.</exception>
    public static OpenClDevice Open(CompileOptions options) => Open(options.DeviceNumber ?? OpenClDevices.Preferred, OpenClSettings.Of(options));

    /// <summary>The device of a number, opened once a process, and again after it was lost.</summary>
    /// <param name="number">Its number, as <c>thomas devices</c> shows it.</param>
    /// <param name="settings">How it is used; null for the defaults.</param>
    /// <exception cref="OpenClException">There is no such device, or it cannot be used.</exception>
    public static OpenClDevice Open(int number, OpenClSettings? settings = null)
    {
        (int Number, OpenClSettings Settings) key = (number, settings ?? new OpenClSettings());
        Lazy<OpenClDevice> opened = Opened.GetOrAdd(key, Opening);
        if (!opened.Value.IsLost) return opened.Value;
        Lazy<OpenClDevice> again = Opening(key);
        try
        {
            if (!again.Value.IsLost) Opened.TryUpdate(key, again, opened);
        }
        catch (OpenClException)
        {
            // The driver does not come back: what is asked of the lost device fails.
        }

        return Opened[key].Value;
    }

    /// <inheritdoc/>
    public override Graph ChooseStorage(Graph graph) => _settings.Storage == OpenClStorage.Half ? HalfStorage.Run(graph, this) : graph;

    /// <inheritdoc/>
    public override DeviceKernel? CreateKernel(Node node)
    {
        if (FindKernel(node, HalfStorage.OperandsOf(node), tunes: true) is not OpenClKernel kernel) return null;
        foreach (OpenClLaunch launch in kernel.Launches) Programs.Start(launch.Program);
        return kernel;
    }

    /// <summary>The first kernel for a node that is of use, without building it; null if there is none.</summary>
    /// <param name="node">The node.</param>
    /// <param name="halves">Which of its operands and results lie in memory as 16-bit floats.</param>
    /// <param name="tunes">Whether measurements may choose it, and be made for that.</param>
    public OpenClKernel? FindKernel(Node node, HalfOperands halves, bool tunes)
    {
        foreach (OpenClKernelContext variant in _variants)
        {
            OpenClKernelContext context = variant with { Halves = halves, Choose = tunes ? variant.Choose : null };
            if (node.Op.CreateOpenClKernel(node, context) is not OpenClKernel kernel || !Serves(node, kernel)) return null;
            if (kernel.Storing(halves) is OpenClKernel stored && !IsBroken(stored)) return stored;
        }

        return null;
    }

    /// <inheritdoc/>
    public override bool IsTrusted(Node node, DeviceKernel kernel) => _selfTest?.Try(node, (OpenClKernel)kernel) ?? true;

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
    public override InputStage CreateStage(MemorySpan place)
    {
        if (GoesAhead(place.Bytes)) return new OpenClAheadInput(this, place);
        return IsMapped(place.Bytes) ? new OpenClMappedInput(this, place) : base.CreateStage(place);
    }

    /// <inheritdoc/>
    public override (long Device, long Host) StageBytes(long inputBytes) =>
        GoesAhead(inputBytes) ? (inputBytes, inputBytes) : IsMapped(inputBytes) ? (0, 0) : (0, inputBytes);

    /// <inheritdoc/>
    public override long HostBytes => Info.IsUnified ? 0 : OpenClStaging.PinnedBytes;

    /// <inheritdoc/>
    public override long TableBytes(DeviceKernel kernel) => kernel is OpenClKernel own ? JointLaunches.TableBytes(own, Limits) : 0;

    /// <inheritdoc/>
    public override bool Owns(DeviceMemory memory) => memory is OpenClMemory own && ReferenceEquals(own.Device, this);

    /// <inheritdoc/>
    public override Segment Bind(IReadOnlyList<PlacedKernel> kernels, ThreadTeam team) => new OpenClSegment(this, kernels);

    /// <inheritdoc/>
    public override void Finish()
    {
        Check(Cl.clFinish(Queue), "finish its work");
        _staging.Free();
    }

    /// <summary>Makes the device begin with what is in the queue.</summary>
    public void Flush() => Check(Cl.clFlush(Queue), "begin its work");

    /// <summary>How often each kernel runs that can run again; see <see cref="OpenClSettings.Slow"/>.</summary>
    public int Repeats => _settings.Slow;

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

    /// <summary>Maps bytes of a buffer, once the work in the queue has ended.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="offset">Where the bytes begin.</param>
    /// <param name="bytes">How many there are.</param>
    /// <param name="flags">What the host does with them.</param>
    /// <param name="isRefused">Whether the driver cannot map them; nothing else has failed then.</param>
    /// <returns>Their address; null where that is refused.</returns>
    public void* Map(nint buffer, long offset, long bytes, ulong flags, out bool isRefused)
    {
        int status;
        void* mapped = Cl.clEnqueueMapBuffer(Queue, buffer, Cl.True, flags, (nuint)offset, (nuint)bytes, 0, null, null, &status);
        isRefused = status is ClError.MapFailure;
        if (isRefused) return null;
        Check(status, "map its memory");
        return mapped;
    }

    /// <summary>Gives mapped bytes back to the device.</summary>
    public void Unmap(nint buffer, void* mapped) => Check(Cl.clEnqueueUnmapMemObject(Queue, buffer, mapped, 0, null, null), "unmap its memory");

    /// <summary>Counts an upload ahead of its turn, for tests.</summary>
    public void CountUpload() => _faults?.CountUpload();

    /// <summary>Fails where work in a queue did, after which nothing of the device can be relied on.</summary>
    public void Check(int status, string what)
    {
        if (_faults is not null) status = _faults.StatusAfter(status);
        if (status == Cl.Success) return;
        _isLost = true;
        ClError.Check(status, Name, what);
    }

    /// <summary>Puts a launch, or a piece of one, into the queue.</summary>
    /// <param name="kernel">Its handle.</param>
    /// <param name="offset">First work-item in three dimensions; null for a whole launch.</param>
    /// <param name="global">Work-items in three dimensions.</param>
    /// <param name="local">Work-items of a group.</param>
    /// <param name="launch">What it is.</param>
    /// <param name="happening">Receives its event; null for none.</param>
    public void Enqueue(nint kernel, nuint* offset, nuint* global, nuint* local, OpenClLaunch launch, nint* happening)
    {
        if (_faults?.Skips(launch) == true) return;
        int status = Cl.clEnqueueNDRangeKernel(Queue, kernel, 3, offset, global, local, 0, null, happening);
        if (status == Cl.Success && _settings.Blocking) status = Cl.clFinish(Queue);
        if (status != Cl.Success || _faults is not null) Check(status, $"run '{launch.Function}' of '{launch.Program.Name}'");
    }

    /// <summary>Takes a buffer.</summary>
    public nint CreateBuffer(long bytes)
    {
        long largest = _settings.LargestBuffer ?? Info.LargestBuffer;
        if (bytes > largest) throw NotEnough(bytes, ClError.InvalidBufferSize);
        if (_faults?.RefusesBuffer?.Invoke(bytes) == true) throw NotEnough(bytes, ClError.OutOfMemory);
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
        Interlocked.Add(ref _bytes, -bytes);
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

    /// <summary>Copies bytes of the host into a buffer. It waits for the device only where many are written to where they lie.</summary>
    public void Write(nint buffer, long offset, ReadOnlySpan<byte> source)
    {
        if (_maps && source.Length >= LeastStagedBytes)
        {
            void* mapped = Map(buffer, offset, source.Length, ClConstant.MapOverwrite, out bool isRefused);
            if (!isRefused)
            {
                source.CopyTo(new Span<byte>(mapped, source.Length));
                Unmap(buffer, mapped);
                return;
            }
        }

        _staging.Write(buffer, offset, source);
    }

    /// <summary>Waits and copies bytes of a buffer to the host.</summary>
    public void Read(nint buffer, long offset, Span<byte> target)
    {
        if (_maps)
        {
            void* mapped = Map(buffer, offset, target.Length, ClConstant.MapRead, out bool isRefused);
            if (!isRefused)
            {
                new ReadOnlySpan<byte>(mapped, target.Length).CopyTo(target);
                Unmap(buffer, mapped);
                _staging.Free();
                return;
            }
        }

        fixed (byte* first = target)
        {
            Check(Cl.clEnqueueReadBuffer(Queue, buffer, Cl.True, (nuint)offset, (nuint)target.Length, first, 0, null, null), "finish its work");
        }

        _staging.Free();
    }

    /// <summary>Copies from buffer to buffer.</summary>
    public void Copy(nint source, long offset, nint target, long targetOffset, long bytes) =>
        Check(Cl.clEnqueueCopyBuffer(Queue, source, target, (nuint)offset, (nuint)targetOffset, (nuint)bytes, 0, null, null), "copy its memory");

    /// <summary>Whether a kernel reads and writes the types that the node has, and none of its programs is of no use.</summary>
    public bool CanRun(Node node, OpenClKernel kernel) => Serves(node, kernel) && !IsBroken(kernel);

    private static Lazy<OpenClDevice> Opening((int Number, OpenClSettings Settings) key) => new(() =>
    {
        OpenClDevices found = OpenClDevices.Find();
        if (found.Problem is string problem) throw new OpenClException($"There is no OpenCL device: {problem}.", OpenClException.NoDevice);
        if (key.Number < 0 || key.Number >= found.Devices.Count)
        {
            string numbers = found.Devices.Count == 1
                ? "the only one is 0"
                : string.Create(CultureInfo.InvariantCulture, $"they are 0 to {found.Devices.Count - 1}");
            throw new OpenClException(
                string.Create(CultureInfo.InvariantCulture, $"There is no OpenCL device {key.Number}: {numbers}."), OpenClException.NoDevice);
        }

        OpenClDeviceInfo info = found.Devices[key.Number];
        if (key.Settings.HalfSums && !info.HasHalf)
        {
            throw new OpenClException(
                $"The device '{info.Name}' has no 16-bit arithmetic (cl_khr_fp16), which arithmetic=half asks for.",
                OpenClException.NoDevice);
        }

        return new OpenClDevice(info, key.Number, key.Settings);
    });

    private bool IsBroken(OpenClKernel kernel)
    {
        foreach (OpenClLaunch launch in kernel.Launches)
        {
            if (Programs.IsBroken(launch.Program)) return true;
        }

        return false;
    }

    private nint CreateUploadQueue()
    {
        int status;
        nint queue = Cl.clCreateCommandQueue(_context, Info.Handle, 0, &status);
        ClError.Check(status, Name, "be given a queue");
        return queue;
    }

    /// <summary>Whether an input of a graph goes to the device ahead of its turn. Memory that is the host's as well has nothing to be brought to.</summary>
    private bool GoesAhead(long bytes) => _settings.Upload is UploadTime asked
        ? asked == UploadTime.Ahead
        : !Info.IsUnified && _settings.Transfer != TransferWay.Map && bytes >= LeastStagedBytes;

    /// <summary>Whether the host writes an input of a graph where it lies.</summary>
    private bool IsMapped(long bytes) => _settings.Transfer is TransferWay asked ? asked == TransferWay.Map : Info.IsUnified && bytes >= LeastStagedBytes;

    /// <summary>The device as it is, then as if other matrix kernels suited it: what is used in the place of programs that cannot be.</summary>
    private static OpenClKernelContext[] VariantsOf(OpenClKernelContext own)
    {
        List<OpenClKernelContext> variants = own.Choose is null ? [own] : [own, own with { Choose = null }];
        foreach (TileFamily family in Enum.GetValues<TileFamily>())
        {
            if (family != own.Limits.Family) variants.Add(own with { Limits = own.Limits with { Family = family }, Choose = null });
        }

        return [.. variants];
    }

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

    /// <summary>What kernels are chosen by on a device that is used in some way.</summary>
    public static OpenClLimits LimitsOf(OpenClDeviceInfo info, OpenClSettings settings)
    {
        VendorTiles? phone = info.Kind == "cpu" ? null : VendorTiles.Of(info.Vendor, info.Name, info.Version, info.ComputeUnits);
        TileFamily family = settings.Family ?? (info.Kind == "cpu" ? TileFamily.Items : phone?.Family ?? TileFamily.Local);
        return new OpenClLimits(
            Math.Min(info.LocalBytes, settings.LocalBytes ?? long.MaxValue), (int)Math.Min(info.WorkGroup, settings.WorkGroup ?? int.MaxValue),
            settings.ComputeUnits ?? info.ComputeUnits, family, info.VectorWidth)
        {
            Block = phone?.Block,
            Tile = phone?.Tile,
            HasHalfSums = settings.HalfSums,
            Winograd = settings.Winograd ?? (family == TileFamily.Local ? WinogradUse.WhereItPays : WinogradUse.Never),
            WinogradBytes = WinogradLaunches.BytesOn(info.MemoryBytes, Math.Min(info.LargestBuffer, settings.LargestBuffer ?? long.MaxValue)),
            IsSeparate = settings.Separate,
            IsFlat = settings.FlatGroups,
            Vector = settings.Scalar ? 1 : 4,
        };
    }
}
