using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>A flat list of launches whose arguments are set once. A run enqueues them and waits for nothing.</summary>
internal sealed unsafe class OpenClSegment : Segment
{
    private readonly OpenClDevice _device;
    private readonly BoundLaunch[] _launches;
    private readonly int? _pieces;
    private readonly int[] _firsts;
    private readonly string[] _names;

    private readonly List<DeviceMemory> _tables = [];

    // Buffers live as long as launches that use them.
    private readonly PlacedKernel[] _placed;

    /// <param name="device">The device.</param>
    /// <param name="kernels">Kernels and their memory, in order.</param>
    /// <param name="pieces">How many launches each one is; null for what the device's speed asks for.</param>
    public OpenClSegment(OpenClDevice device, IReadOnlyList<PlacedKernel> kernels, int? pieces = null)
    {
        (_device, _pieces) = (device, pieces);
        _placed = [.. kernels];
        Nodes = Array.ConvertAll(_placed, static placed => placed.Node);
        _names = Array.ConvertAll(_placed, static placed => placed.Kernel.Name);
        _firsts = new int[_placed.Length + 1];
        List<BoundLaunch> launches = [];
        try
        {
            for (int i = 0; i < _placed.Length; i++)
            {
                int together = _device.Settings.Separate ? 1 : JointLaunches.Length(_placed, i);
                if (together > 1)
                {
                    (OpenClLaunch joint, PlacedKernel placed, DeviceMemory table) = JointLaunches.Create(_device, _placed.AsSpan(i, together));
                    _tables.Add(table);
                    launches.Add(Bind(joint, placed, _pieces ?? _device.Speed.Pieces(_placed.AsSpan(i, together))));
                    for (int k = 0; k < together; k++) _firsts[i + k + 1] = launches.Count;
                    i += together - 1;
                    continue;
                }

                int cut = _pieces ?? _device.Speed.Pieces(_placed[i].Node);
                foreach (OpenClLaunch launch in ((OpenClKernel)_placed[i].Kernel).Launches)
                {
                    if (launch.IsOnce && !_placed[i].Packs) continue;
                    BoundLaunch bound = Bind(launch, _placed[i], cut);
                    if (launch.IsOnce)
                    {
                        using (bound) bound.Enqueue(_device);
                    }
                    else
                    {
                        launches.Add(bound);
                    }
                }

                int count = launches.Count - _firsts[i];
                for (int again = 1; again < _device.Repeats && !Overwrites(_placed[i]); again++) launches.AddRange(launches.GetRange(_firsts[i], count));
                _firsts[i + 1] = launches.Count;
            }
        }
        catch
        {
            foreach (BoundLaunch launch in launches) launch.Dispose();
            throw;
        }

        _launches = [.. launches];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Node> Nodes { get; }

    /// <inheritdoc/>
    public override int Calls
    {
        get
        {
            int calls = 0;
            foreach (BoundLaunch launch in _launches) calls += launch.Pieces;
            return calls;
        }
    }

    /// <inheritdoc/>
    public override string NameOf(int index) => _names[index];

    /// <inheritdoc/>
    public override void Run()
    {
        foreach (BoundLaunch launch in _launches) launch.Enqueue(_device);
        _device.Flush();
    }

    /// <inheritdoc/>
    public override void RunOne(int index)
    {
        for (int i = _firsts[index]; i < _firsts[index + 1]; i++) _launches[i].Enqueue(_device);
    }

    /// <inheritdoc/>
    public override double RunTimed(int index, Action finish)
    {
        if (!_device.MeasuresTime) return base.RunTimed(index, finish);
        ReadOnlySpan<BoundLaunch> launches = _launches.AsSpan(_firsts[index].._firsts[index + 1]);
        int count = 0;
        foreach (BoundLaunch launch in launches) count += launch.Pieces;
        nint[] happenings = new nint[count];
        fixed (nint* first = happenings)
        {
            nint* next = first;
            foreach (BoundLaunch launch in launches)
            {
                launch.Enqueue(_device, next);
                next += launch.Pieces;
            }
        }

        finish();
        return SecondsOf(launches, happenings);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (BoundLaunch launch in _launches) launch.Dispose();
        foreach (DeviceMemory table in _tables) table.Dispose();
    }

    /// <summary>Seconds of launches by the events of their pieces. One that took too long is cut further from the next run on.</summary>
    private double SecondsOf(ReadOnlySpan<BoundLaunch> launches, ReadOnlySpan<nint> happenings)
    {
        double all = 0;
        int next = 0;
        foreach (BoundLaunch launch in launches)
        {
            double longest = 0;
            for (int end = next + launch.Pieces; next < end; next++)
            {
                double seconds = OpenClDevice.SecondsOf(happenings[next]);
                all += seconds;
                longest = Math.Max(longest, seconds);
            }

            // A launch that is repeated stands there several times; its pieces are as many for all of this run.
            launch.WantedPieces = Math.Max(launch.WantedPieces, launch.Pieces * _device.Speed.PiecesOf(longest));
        }

        foreach (BoundLaunch launch in launches) launch.Cut(launch.WantedPieces);
        return all;
    }

    private BoundLaunch Bind(OpenClLaunch launch, PlacedKernel placed, int pieces)
    {
        nint kernel = _device.Programs.CreateKernel(launch.Program, launch.Function);
        BoundLaunch bound = new(kernel, launch, pieces);
        try
        {
            uint index = 0;
            foreach (LaunchArgument argument in launch.Arguments)
            {
                switch (argument.Kind)
                {
                    case LaunchArgumentKind.Int:
                        int integer = (int)argument.Value;
                        Set(index++, sizeof(int), &integer);
                        break;
                    case LaunchArgumentKind.Float:
                        float number = argument.Number;
                        Set(index++, sizeof(float), &number);
                        break;
                    case LaunchArgumentKind.Buffer:
                        nint only = ((OpenClMemory)placed.Inputs[argument.Index].Memory!).Handle;
                        Set(index++, sizeof(nint), &only);
                        break;
                    case LaunchArgumentKind.Local:
                        Set(index++, (int)argument.Value, null);
                        break;
                    default:
                        MemorySpan span = SpanOf(argument, placed);
                        nint buffer = ((OpenClMemory)span.Memory!).Handle;
                        ulong offset = (ulong)(span.Offset + argument.Value);
                        Set(index++, sizeof(nint), &buffer);
                        Set(index++, sizeof(ulong), &offset);
                        break;
                }
            }

            return bound;
        }
        catch
        {
            bound.Dispose();
            throw;
        }

        void Set(uint index, int bytes, void* value) =>
            ClError.Check(
                Cl.clSetKernelArg(kernel, index, (nuint)bytes, value), _device.Name, $"set argument {index} of '{launch.Function}' in '{launch.Program.Name}'");
    }

    /// <summary>Whether a kernel writes where it reads, so that it must not run twice.</summary>
    private static bool Overwrites(PlacedKernel placed)
    {
        foreach (MemorySpan output in placed.Outputs)
        {
            foreach (MemorySpan input in placed.Inputs)
            {
                if (ReferenceEquals(input.Memory, output.Memory) && input.Offset < output.Offset + output.Bytes && output.Offset < input.Offset + input.Bytes)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static MemorySpan SpanOf(LaunchArgument argument, PlacedKernel placed) => argument.Kind switch
    {
        LaunchArgumentKind.Input => placed.Inputs[argument.Index],
        LaunchArgumentKind.Output => placed.Outputs[argument.Index],
        LaunchArgumentKind.Workspace => placed.Workspace,
        LaunchArgumentKind.Constants => placed.Constants,
        _ => throw new ArgumentOutOfRangeException(nameof(argument), argument.Kind, "This argument has no memory."),
    };

    /// <summary>A function with its arguments.</summary>
    private sealed class BoundLaunch(nint kernel, OpenClLaunch launch, int pieces) : IDisposable
    {
        private LaunchPiece[] _pieces = LaunchPiece.Cut(launch.Items.Cover(launch.Group), launch.Group, pieces);
        private nint _kernel = kernel;

        ~BoundLaunch() => Release();

        /// <summary>How many launches it is.</summary>
        public int Pieces => _pieces.Length;

        /// <summary>How many launches it should be, by what a run took; 0 if nothing is known.</summary>
        public int WantedPieces { get; set; }

        /// <summary>Makes it more launches, if it can be.</summary>
        public void Cut(int wanted)
        {
            if (wanted > Pieces) _pieces = LaunchPiece.Cut(launch.Items.Cover(launch.Group), launch.Group, wanted);
        }

        /// <summary>Puts all pieces into the queue.</summary>
        /// <param name="device">The device.</param>
        /// <param name="happenings">Receives the event of each; null for none.</param>
        public void Enqueue(OpenClDevice device, nint* happenings = null)
        {
            nuint* offset = stackalloc nuint[3], global = stackalloc nuint[3], local = stackalloc nuint[3];
            Put(local, launch.Group);
            bool isCut = _pieces.Length > 1;
            foreach (ref readonly LaunchPiece piece in _pieces.AsSpan())
            {
                Put(offset, piece.Offset);
                Put(global, piece.Items);
                device.Enqueue(_kernel, isCut ? offset : null, global, local, launch, happenings);
                if (happenings is not null) happenings++;

                // What is in the queue may be given to the hardware as one; between two pieces it must be free to draw.
                if (isCut) device.Flush();
            }
        }

        public void Dispose()
        {
            Release();
            GC.SuppressFinalize(this);
        }

        private static void Put(nuint* target, WorkSize size) => (target[0], target[1], target[2]) = ((nuint)size.X, (nuint)size.Y, (nuint)size.Z);

        private void Release()
        {
            if (_kernel != 0) _ = Cl.clReleaseKernel(_kernel);
            _kernel = 0;
        }
    }
}
