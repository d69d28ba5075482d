using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>A single place whose kernels are those of the CPU.</summary>
internal sealed class CpuPlace : IPlaces
{
    /// <summary>One cache line and one AVX-512 vector.</summary>
    public const long Alignment = 64;

    private CpuPlace()
    {
    }

    /// <summary>The only instance.</summary>
    public static CpuPlace Instance { get; } = new();

    /// <inheritdoc/>
    public int Count => 1;

    /// <inheritdoc/>
    public string NameOf(int place) => "cpu";

    /// <inheritdoc/>
    public long AlignmentOf(int place) => Alignment;

    /// <inheritdoc/>
    public bool CanOverwrite(Node node, int input) => node.Op.CpuCanOverwrite(node, input);

    /// <inheritdoc/>
    public bool Converts(int place, DType type) => true;

    /// <inheritdoc/>
    public bool ReadsKept(Node node, int input) => node.Op.CpuReadsKept(node, input);

    /// <inheritdoc/>
    public long WorkspaceBytes(Node node) => 0;

    /// <inheritdoc/>
    public double Seconds(Node node) => CostModel.Nominal.Seconds(node);
}
