using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Thomas.Tests;

/// <summary>Holds the layers of docs/architecture.md: each folder of src/Thomas uses only the folders below it.</summary>
public sealed partial class ArchitectureTests
{
    // Folder -> the folders it may use besides itself. "" is the root namespace, the public face of the library.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Diagnostics"] = [],
        ["Kernels"] = [],
        ["Graphs"] = ["Diagnostics", "Kernels"],
        ["Ops"] = ["Diagnostics", "Kernels", "Graphs"],
        ["Passes"] = ["Diagnostics", "Graphs", "Ops"],
        ["Autodiff"] = ["Diagnostics", "Graphs", "Ops", "Passes"],
        ["Planning"] = ["Diagnostics", "Graphs", "Ops", "Autodiff", "Passes"],
        ["Runtime"] = ["Diagnostics", "Kernels", "Graphs", "Ops", "Autodiff", "Passes", "Planning"],
        ["Formats"] = ["", "Diagnostics", "Graphs", "Ops", "Passes"],
        ["Architectures"] = ["", "Diagnostics", "Graphs", "Ops"],
        ["Data"] = ["", "Diagnostics"],
        ["Training"] =
            ["", "Diagnostics", "Kernels", "Graphs", "Ops", "Autodiff", "Passes", "Planning", "Runtime", "Formats", "Architectures", "Data"],
        [""] =
            ["Diagnostics", "Kernels", "Graphs", "Ops", "Autodiff", "Passes", "Planning", "Runtime", "Formats", "Architectures", "Data", "Training"],
    };

    // Single types that a lower layer may use: descriptions of the machine and of a loop, the random numbers and the safe reading and writing of files, which depend on nothing.
    private static readonly Dictionary<string, string[]> AllowedTypes = new()
    {
        ["Kernels"] = ["Runtime.IParallelWork", "Runtime.InstructionTier", "Runtime.CpuFeatures"],
        ["Ops"] = ["Runtime.IParallelWork", "Runtime.InstructionTier", "Runtime.CpuFeatures"],
        ["Runtime"] = ["TemporaryFile"],
        ["Architectures"] = ["Rng"],
        ["Data"] = ["Rng", "InputFile", "AtomicFile", "TemporaryFile"],
    };

    [Fact]
    public void Layers_look_one_way()
    {
        string library = LibrarySources();
        List<(string Folder, string Path)> files = [];
        Dictionary<string, HashSet<string>> types = [];
        foreach (string path in Directory.EnumerateFiles(library, "*.cs", SearchOption.AllDirectories))
        {
            string[] parts = Path.GetRelativePath(library, path).Split(Path.DirectorySeparatorChar);
            string folder = parts.Length == 1 ? "" : parts[0];
            if (folder is "obj" or "bin")
                continue;
            files.Add((folder, path));
            if (!types.TryGetValue(folder, out HashSet<string>? names))
                types[folder] = names = [];
            names.Add(parts[^1].Split('.')[0]);
        }

        List<string> violations = [];
        foreach ((string folder, string path) in files)
        {
            foreach (string use in Violations(folder, File.ReadAllText(path), types))
                violations.Add($"{Path.GetRelativePath(library, path)}: {use}");
        }
        Assert.NotEmpty(files);
        Assert.Empty(violations);
    }

    [Theory]
    [InlineData("Graphs", "using Thomas.Ops;")]
    [InlineData("Graphs", "global using static Thomas.Ops.OpCatalog;")]
    [InlineData("Graphs", "using Catalog = Thomas.Ops.OpCatalog;")]
    [InlineData("Ops", "Executable e = Runtime.Executable.Create();")]
    [InlineData("Ops", "Executable e = global::Thomas.Runtime.Executable.Create();")]
    [InlineData("Kernels", "using Thomas.Runtime; class K { Executable e; }")]
    [InlineData("Kernels", "using Thomas.Graphs;")]
    [InlineData("Graphs", "Model m = null;")]
    [InlineData("Formats", "using Thomas.Runtime;")]
    [InlineData("Novelty", "class C;")]
    public void A_use_of_a_higher_layer_is_found(string folder, string source) =>
        Assert.NotEmpty(Violations(folder, source, SampleTypes));

    [Theory]
    [InlineData("Ops", "using Thomas.Graphs;")]
    [InlineData("Ops", "namespace Thomas.Ops.Conv2d; using Thomas.Ops;")]
    [InlineData("Graphs", "/// <see cref=\"Thomas.Ops.OpCatalog\"/>\n// using Thomas.Ops;\n/* Runtime.Executable */ class C;")]
    [InlineData("Graphs", "string s = \"Runtime.Executable\"; int n = node.Ops.Count;")]
    [InlineData("Graphs", "using System.Runtime.InteropServices;")]
    [InlineData("Kernels", "using Thomas.Runtime; class K : IParallelWork;")]
    [InlineData("Formats", "Model m = null;")]
    public void An_allowed_use_is_not_reported(string folder, string source) =>
        Assert.Empty(Violations(folder, source, SampleTypes));

    [Fact]
    public void Library_calls_no_native_code_but_the_wish_for_large_pages()
    {
        List<string> native = [];
        foreach (Type type in LibraryTypes())
        {
            // The OpenCL binding is the one place that talks to a native library.
            if (type.Namespace?.StartsWith("Thomas.Runtime.OpenCl", StringComparison.Ordinal) == true)
                continue;
            foreach (MethodInfo method in type.GetMethods(
                BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance))
            {
                if (method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
                    native.Add($"{type.FullName}.{method.Name}");
            }
        }
        Assert.Equal(["Thomas.Runtime.LargePages.MemoryAdvise"], native);
    }

    private static readonly Dictionary<string, HashSet<string>> SampleTypes = new()
    {
        [""] = ["Model"],
        ["Graphs"] = ["Graph"],
        ["Ops"] = ["OpCatalog"],
        ["Runtime"] = ["Executable", "IParallelWork"],
    };

    private static Type[] LibraryTypes() => Assembly.Load("Thomas").GetTypes();

    // What the text of one file in `folder` uses and may not. `types` holds the type names of each folder (file = type).
    private static List<string> Violations(string folder, string source, Dictionary<string, HashSet<string>> types)
    {
        if (!Allowed.TryGetValue(folder, out string[]? allowed))
            return [$"folder '{folder}' is not in the list of layers: give it a place in ArchitectureTests and docs/architecture.md"];

        string code = CommentOrText().Replace(source, " ");
        List<string> found = [];
        foreach ((string other, HashSet<string> names) in types)
        {
            if (other == folder || allowed.Contains(other))
                continue;
            // A type name counts where it can mean the other layer's type: after its namespace, or anywhere once that is imported.
            bool imported = other.Length == 0 || Regex.IsMatch(code, $@"\busing\s+Thomas\.{other}\s*;");
            foreach (string name in names)
            {
                string qualified = other.Length == 0 ? name : $"{other}.{name}";
                if (AllowedTypes.TryGetValue(folder, out string[]? exceptions) && exceptions.Contains(qualified))
                    continue;
                string pattern = imported ? $@"(?<![\w.]){Regex.Escape(name)}\b" : $@"(?<![\w.])((global::)?Thomas\.)?{Regex.Escape(qualified)}\b";
                if (Regex.IsMatch(code, pattern))
                    found.Add($"uses {qualified}");
            }
        }
        foreach (Match match in LayerUse().Matches(code))
        {
            string other = match.Groups["layer"].Value;
            bool onlyAllowedTypes = match.Groups["whole"].Success && AllowedTypes.TryGetValue(folder, out string[]? exceptions)
                && exceptions.Any(type => type.StartsWith(other + ".", StringComparison.Ordinal));
            if (other != folder && !allowed.Contains(other) && Allowed.ContainsKey(other) && !onlyAllowedTypes)
                found.Add($"imports {match.Value.Trim()}");
        }
        return found;
    }

    private static string LibrarySources()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Thomas.slnx")))
                return Path.Combine(at.FullName, "src", "Thomas");
        }
        Assert.Skip("the sources are not beside the test program");
        return "";
    }

    // Line comments, block comments, string literals.
    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|"(\\.|[^"\\\n])*"(?!")""", RegexOptions.Singleline)]
    private static partial Regex CommentOrText();

    // using Thomas.Layer; (the whole layer), using [static] [Name =] Thomas.Layer.Something;
    [GeneratedRegex(@"\busing\s+(static\s+)?(\w+\s*=\s*)?Thomas\.(?<layer>\w+)(?<whole>\s*;)?")]
    private static partial Regex LayerUse();
}
