using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using Thomas.Formats.Onnx;
using Thomas.Formats.TfLite;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Docs;

/// <summary>The lists of operators in docs/formats.md against the importers' own.</summary>
public sealed partial class FormatPageTests
{
    [Fact]
    public void The_page_lists_the_onnx_operators_that_are_read() => Compare("onnx operators", OnnxImporter.Operators.Keys);

    [Fact]
    public void The_page_lists_the_tflite_operators_that_are_read()
    {
        FieldInfo imports = typeof(TfLiteImporter).GetField("Imports", BindingFlags.NonPublic | BindingFlags.Static)!;
        Compare("tflite operators", ((IDictionary)imports.GetValue(null)!).Keys.Cast<object>().Select(code => code.ToString()!));
    }

    [Fact]
    public void The_page_lists_the_versions_of_onnx_operators()
    {
        Compare("onnx versions", OnnxOperatorSets.Versions.Keys);
        string page = RepositoryFiles.Read("docs/formats.md").Replace("\n", " ", StringComparison.Ordinal);
        foreach ((string name, int[] versions) in OnnxOperatorSets.Versions)
            Assert.Contains($"`{name}` {string.Join(", ", versions)}", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_standard_operator_that_is_read_has_its_versions() =>
        Assert.Equal(
            OnnxImporter.Operators.Keys.Where(static name => !name.Contains('.', StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            OnnxOperatorSets.Versions.Keys.Order(StringComparer.Ordinal));

    private static void Compare(string mark, IEnumerable<string> operators)
    {
        string page = RepositoryFiles.Read("docs/formats.md");
        int begin = page.IndexOf($"<!-- {mark} begin -->", StringComparison.Ordinal), end = page.IndexOf($"<!-- {mark} end -->", StringComparison.Ordinal);
        Expect.True(begin >= 0 && end > begin, $"docs/formats.md has no part between '{mark} begin' and '{mark} end'");
        IEnumerable<string> listed = Name().Matches(page[begin..end]).Select(match => match.Groups["name"].Value);
        Assert.Equal(operators.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("`(?<name>[^`]+)`")]
    private static partial Regex Name();
}
