using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>The devices of a compiled graph: the one that was asked for and, if that has not all kernels, one of the host.</summary>
internal sealed class Places : IPlaces
{
    private readonly Device[] _devices;

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
    public double Seconds(Node node) => _devices[node.Place].Rates.Seconds(node);
}
