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
    private readonly int[] _firsts;
    private readonly string[] _names;

    private readonly List<DeviceMemory> _tables = [];

    // Buffers live as long as launches that use them.
    private readonly PlacedKernel[] _placed;

    /// <param name="device">The device.</param>
    /// <param name="kernels">Kernels and their memory, in order.</param>
    public OpenClSegment(OpenClDevice device, IReadOnlyList<PlacedKernel> kernels)
    {
        _device = device;
        _placed = [.. kernels];
        Nodes = Array.ConvertAll(_placed, static placed => placed.Node);
        _names = Array.ConvertAll(_placed, static placed => placed.Kernel.Name);
        _firsts = new int[_placed.Length + 1];
        List<BoundLaunch> launches = [];
        try
        {
            for (int i = 0; i < _placed.Length; i++)
            {
                int together = JointLaunches.Length(_placed, i);
                if (together > 1)
                {
                    (OpenClLaunch joint, PlacedKernel placed, DeviceMemory table) = JointLaunches.Create(_device, _placed.AsSpan(i, together));
                    _tables.Add(table);
                    launches.Add(Bind(joint, placed));
                    for (int k = 0; k < together; k++) _firsts[i + k + 1] = launches.Count;
                    i += together - 1;
                    continue;
                }

                foreach (OpenClLaunch launch in ((OpenClKernel)_placed[i].Kernel).Launches)
                {
                    if (launch.IsOnce && !_placed[i].Packs) continue;
                    BoundLaunch bound = Bind(launch, _placed[i]);
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
    public override int Calls => _launches.Length;

    /// <inheritdoc/>
    public override string NameOf(int index) => _names[index];

    /// <inheritdoc/>
    public override void Run()
    {
        foreach (BoundLaunch launch in _launches) launch.Enqueue(_device);
        _device.Flush();
    }

    /// <inheritdoc/>
    public override void Release()
    {
        foreach (BoundLaunch launch in _launches) launch.Dispose();
        foreach (DeviceMemory table in _tables) table.Dispose();
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
        nint[] happenings = new nint[_firsts[index + 1] - _firsts[index]];
        fixed (nint* first = happenings)
        {
            for (int i = 0; i < happenings.Length; i++) _launches[_firsts[index] + i].Enqueue(_device, first + i);
        }

        finish();
        double seconds = 0;
        foreach (nint happening in happenings) seconds += OpenClDevice.SecondsOf(happening);
        return seconds;
    }

    private BoundLaunch Bind(OpenClLaunch launch, PlacedKernel placed)
    {
        nint kernel = _device.Programs.CreateKernel(launch.Program, launch.Function);
        BoundLaunch bound = new(kernel, launch);
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
    private sealed class BoundLaunch(nint kernel, OpenClLaunch launch) : IDisposable
    {
        private readonly WorkSize _group = launch.Group, _items = launch.Items.Cover(launch.Group);
        private nint _kernel = kernel;

        ~BoundLaunch() => Release();

        public void Enqueue(OpenClDevice device, nint* happening = null)
        {
            nuint* global = stackalloc nuint[3] { (nuint)_items.X, (nuint)_items.Y, (nuint)_items.Z };
            nuint* local = stackalloc nuint[3] { (nuint)_group.X, (nuint)_group.Y, (nuint)_group.Z };
            device.Enqueue(_kernel, global, local, launch, happening);
        }

        public void Dispose()
        {
            Release();
            GC.SuppressFinalize(this);
        }

        private void Release()
        {
            if (_kernel != 0) _ = Cl.clReleaseKernel(_kernel);
            _kernel = 0;
        }
    }
}
