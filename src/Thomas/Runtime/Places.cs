using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>The devices of a compiled graph: the one that was asked for and, if that has not all kernels, one of the host.</summary>
internal sealed class Places : IPlaces
{
    private const int ProbeElements = 8;

    private readonly Device[] _devices;
    private readonly Dictionary<(int Place, DType Type), bool> _converts = [];
    private readonly Dictionary<(int Place, DType From, TensorType To), long> _workspaces = [];

    /// <param name="device">The device that was asked for.</param>
    /// <param name="fallback">The device that runs what the first has no kernels for; null for none.</param>
    public Places(Device device, HostDevice? fallback)
    {
        _devices = fallback is null ? [device] : [device, fallback];
        Threads = (fallback ?? device as HostDevice)?.Threads ?? 1;
    }

    /// <summary>The devices that options ask for.</summary>
    /// <param name="options">Device, threads, blocks.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    public static Places Of(CompileOptions options, int threads = 0)
    {
        Device device = Device.Of(options, threads);
        return new Places(device, device.Fallback(options, threads));
    }

    /// <summary>The devices by their numbers.</summary>
    public IReadOnlyList<Device> Devices => _devices;

    /// <summary>Threads of the team that runs the host's kernels.</summary>
    public int Threads { get; }

    /// <inheritdoc/>
    public int Count => _devices.Length;

    /// <inheritdoc/>
    public string NameOf(int place) => _devices[place].Name;

    /// <inheritdoc/>
    public long AlignmentOf(int place) => _devices[place].Alignment;

    /// <inheritdoc/>
    public bool CanOverwrite(Node node, int input) => _devices[node.Place].CanOverwrite(node, input);

    /// <inheritdoc/>
    public bool Converts(int place, DType type)
    {
        if (_converts.TryGetValue((place, type), out bool known)) return known;
        GraphBuilder builder = new() { Place = place };
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(ProbeElements)));
        Value narrow = builder.Add(OpCatalog.Cast, [x], new CastAttributes(type));
        bool converts = true;
        foreach (Node node in builder.Build(builder.Add(OpCatalog.Cast, [narrow], new CastAttributes(DType.F32))).Nodes) converts &= Runs(node);
        _converts.Add((place, type), converts);
        return converts;
    }

    /// <inheritdoc/>
    public bool ReadsKept(Node node, int input) => _devices[node.Place] is CpuDevice && node.Op.CpuReadsKept(node, input);

    /// <inheritdoc/>
    public long WorkspaceBytes(Node node)
    {
        if (node.Op is not Cast) return _devices[node.Place].CreateKernel(node)?.WorkspaceBytes(Threads) ?? 0;
        (int, DType, TensorType) kind = (node.Place, node.Inputs[0].Type.DType, node.Output.Type);
        if (_workspaces.TryGetValue(kind, out long known)) return known;
        long bytes = _devices[node.Place].CreateKernel(node)?.WorkspaceBytes(Threads) ?? 0;
        _workspaces.Add(kind, bytes);
        return bytes;
    }

    /// <summary>Whether the device of a node has a kernel for it that works.</summary>
    private bool Runs(Node node)
    {
        Device device = _devices[node.Place];
        while (device.CreateKernel(node) is DeviceKernel kernel)
        {
            if (device.IsReady(kernel) && device.IsTrusted(node, kernel)) return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public double Seconds(Node node) => _devices[node.Place].Rates.Seconds(node);
}
