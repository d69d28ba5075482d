using System.Globalization;
using System.Linq;
using Thomas.Architectures;
using Thomas.Study;

namespace Thomas.Benchmarks;

/// <summary>What is measured: models of files, and architectures with random weights by their names.</summary>
internal static class Networks
{
    /// <summary>The machine's multiply-adds, beside which everything is measured.</summary>
    public static PeakRate Peak { get; } = new();

    /// <summary>The model of a file, or of an architecture at its own size or another.</summary>
    /// <param name="name">A path, or a name of <see cref="ArchitectureCatalog"/>.</param>
    /// <param name="size">Height and width of an architecture's images; 0 for its own.</param>
    public static Model Load(string name, int size = 0) => ArchitectureCatalog.TryFind(name, out Architecture? architecture)
        ? new Model(
            architecture.Build(new ArchitectureOptions { Classes = architecture.DefaultClasses, Height = size, Width = size, Seed = 1 }),
            new ModelInfo { Name = name })
        : Model.Load(name);

    /// <summary>Numbers between commas.</summary>
    public static int[] Numbers(string text) => [.. text.Split(',').Select(t => int.Parse(t, CultureInfo.InvariantCulture))];
}
