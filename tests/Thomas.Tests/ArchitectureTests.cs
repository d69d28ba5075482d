using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using Thomas.Tests.Docs;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

/// <summary>
/// Holds the floors of docs/architecture.md: the types of each folder of src/Thomas use only types of the folders below it. Measured on the compiled library,
/// not on its text.
/// </summary>
public sealed partial class ArchitectureTests(ITestOutputHelper output)
{
    private const string Root = "(root)";

    // From the ground up; each folder with those that it may use. What stands higher is never used by what stands lower, so there is no ring.
    private static readonly (string Folder, string[] Uses)[] Floors =
    [
        ("Base", []),
        ("Kernels", []),
        ("Graphs", ["Base", "Kernels"]),
        ("Ops", ["Base", "Kernels", "Graphs"]),
        ("Passes", ["Base", "Kernels", "Graphs", "Ops"]),
        ("Autodiff", ["Base", "Graphs", "Ops", "Passes"]),
        ("Planning", ["Base", "Graphs", "Ops", "Passes", "Autodiff"]),
        ("Models", ["Base", "Graphs", "Ops", "Passes"]),
        ("Formats", ["Base", "Graphs", "Ops", "Passes", "Models"]),
        ("Architectures", ["Base", "Graphs", "Ops"]),
        ("Runtime", ["Base", "Kernels", "Graphs", "Ops", "Passes", "Planning"]),
        ("Data", ["Base", "Models"]),
        ("Training", ["Base", "Kernels", "Graphs", "Ops", "Passes", "Autodiff", "Planning", "Models", "Runtime", "Data"]),
        ("Quantizing", ["Base", "Graphs", "Ops", "Passes", "Autodiff", "Models", "Runtime", "Data", "Training"]),
        (Root, ["Base", "Graphs", "Ops", "Passes", "Autodiff", "Models", "Formats", "Architectures", "Runtime", "Data", "Training"]),
        ("Study", [
            "Base", "Kernels", "Graphs", "Ops", "Passes", "Autodiff", "Models", "Formats", "Architectures", "Runtime", "Data", "Training", "Quantizing"]),
    ];

    // What an activation is: attributes, passes, formats and architectures name activations.
    private const string OpenNamespace = "Thomas.Kernels.Activations.";

    private static readonly Lazy<TypeReferences> References = new(static () => TypeReferences.Read(Library()));

    [Fact]
    public void A_type_uses_only_what_stands_below_it()
    {
        List<string> wrong = [];
        foreach ((string type, HashSet<string> uses) in References.Value.Uses)
        {
            foreach (string other in uses.Where(other => !IsOpen(other) && !MayUse(FolderOf(type), FolderOf(other))))
                wrong.Add($"{FolderOf(type)}: {type} uses {other} of {FolderOf(other)}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Order()));
    }

    [Fact]
    public void Every_permission_is_needed()
    {
        HashSet<(string From, string To)> used = [
            .. References.Value.Uses.SelectMany(type => type.Value.Where(other => !IsOpen(other)).Select(other => (FolderOf(type.Key), FolderOf(other))))];
        foreach ((string folder, string[] uses) in Floors) output.WriteLine(
            $"{folder,-14} uses {string.Join(", ", uses.Where(other => used.Contains((folder, other))))}");
        string needless = string.Join(
            ", ",
            Floors.SelectMany(
                floor => floor.Uses.Where(other => !used.Contains((floor.Folder, other))).Select(other => $"{floor.Folder} does not use {other}")));
        Assert.True(needless.Length == 0, needless);
    }

    [Fact]
    public void Every_type_name_exists_once()
    {
        IEnumerable<string> twice = typeof(Model).Assembly.GetTypes()
            .Where(type => !type.IsNested && type.Namespace?.StartsWith("Thomas", StringComparison.Ordinal) == true && !type.Name.StartsWith('<'))
            .GroupBy(type => type.Name, type => type.FullName!)
            .Where(group => group.Count() > 1)
            .Select(group => string.Join(", ", group));
        Assert.Empty(twice);
    }

    /// <summary>
    /// What depends on the kind of an activation belongs into its file or, for a format, into the format's list; a switch elsewhere would be a place that a new
    /// kind is missing from.
    /// </summary>
    [Fact]
    public void There_is_no_switch_over_activations()
    {
        string library = Path.Combine(RepositoryFiles.Root(), "src", "Thomas");
        List<string> found = [];
        foreach (string path in Directory.EnumerateFiles(library, "*.cs", SearchOption.AllDirectories))
        {
            foreach (Match match in ActivationArm().Matches(File.ReadAllText(path))) found.Add($"{Path.GetRelativePath(library, path)}: {match.Value.Trim()}");
        }

        Assert.Empty(found);
        Assert.Matches(ActivationArm(), "        ActivationKind.Relu or ActivationKind.Relu6 => 1,");
        Assert.Matches(ActivationArm(), "        { Kind: ActivationKind.Relu } => 1,");
        Assert.Matches(ActivationArm(), "            case ActivationKind.Clip when a.A == 0:");
    }

    [Fact]
    public void The_floors_have_no_ring()
    {
        for (int i = 0; i < Floors.Length; i++) Assert.Empty(Floors[i].Uses.Except(Floors[..i].Select(floor => floor.Folder)));
    }

    [Fact]
    public void Every_type_lies_in_one_folder()
    {
        List<string> spread = [
            .. References.Value.Sources.Where(type => FoldersOf(type.Value).Count > 1).Select(
                type => $"{type.Key}: {string.Join(", ", FoldersOf(type.Value))}")];
        Assert.Empty(spread);
        Assert.Superset(References.Value.Sources.Keys.Select(FolderOf).ToHashSet(), Floors.Select(floor => floor.Folder).ToHashSet());
    }

    [Theory]
    [InlineData("Thomas.Runtime.Executable", "Thomas.Graphs.Node")]
    [InlineData("Thomas.ImageClassifier", "Thomas.Runtime.ExecutablePool")]
    [InlineData("Thomas.Ops.Conv2d", "Thomas.Graphs.Op")]
    [InlineData("Thomas.Graphs.Node", "Thomas.Graphs.Stage")]
    public void Uses_are_found(string type, string other) => Assert.Contains(other, References.Value.Uses[type]);

    [Fact]
    public void Library_calls_no_native_code_but_the_wish_for_large_pages_and_OpenCL()
    {
        SortedSet<string> native = [];
        foreach (Type type in typeof(Model).Assembly.GetTypes())
        {
            foreach (MethodInfo method in type.GetMethods(
                BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance))
            {
                if (method.Attributes.HasFlag(MethodAttributes.PinvokeImpl)) native.Add(type == typeof(Cl) ? type.FullName! : $"{type.FullName}.{method.Name}");
            }
        }

        Assert.Equal(["Thomas.Runtime.LargePages.MemoryAdvise", "Thomas.Runtime.OpenCl.Cl"], native);
    }

    /// <summary>The library as it was built: counting coverage rewrites the one beside the tests.</summary>
    private static string Library()
    {
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.Combine(RepositoryFiles.Root(), "src", "Thomas", "bin", framework.Parent!.Name, framework.Name, "Thomas.dll");
    }

    private static bool IsOpen(string type) => type.StartsWith(OpenNamespace, StringComparison.Ordinal);

    private static bool MayUse(string folder, string other) => folder == other || Floors.Single(floor => floor.Folder == folder).Uses.Contains(other);

    /// <summary>The folder of a type's source file; of what tools generate, the one that its namespace names.</summary>
    private static string FolderOf(string type)
    {
        List<string> folders = FoldersOf(References.Value.Sources[type]);
        if (folders.Count > 0) return folders[0];
        string[] names = type.Split('.');
        return names.Length > 2 && Floors.Any(floor => floor.Folder == names[1]) ? names[1] : Root;
    }

    private static List<string> FoldersOf(HashSet<string> sources) =>
        [.. sources.Select(source => OwnSource().Match(source.Replace('\\', '/'))).Where(match => match.Success)
            .Select(match => match.Groups["folder"] is { Success: true } folder ? folder.Value : Root).Distinct()];

    [GeneratedRegex(@"^\s*(case\s+ActivationKind\.\w+.*|(\{\s*Kind:\s*)?ActivationKind\.\w+[^;=\n]*=>.*)$", RegexOptions.Multiline)]
    private static partial Regex ActivationArm();

    [GeneratedRegex("/src/Thomas/(?!obj/)((?<folder>[^/]+)/)?[^/]")]
    private static partial Regex OwnSource();
}
