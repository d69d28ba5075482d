using System;
using System.IO;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Docs;

public sealed class GeneratedPageTests
{
    private const string UpdateVariable = "THOMAS_UPDATE_DOCS";

    [Fact]
    public void The_operator_page_says_what_the_catalog_says() => Check("operators.md", OperatorPage.Render());

    [Fact]
    public void The_tables_of_benchmarks_are_those_of_the_reports_beside_them() =>
        Check("benchmarks.md", StudyTables.Fill(RepositoryFiles.Read(Path.Combine(RepositoryFiles.Root(), "docs", "benchmarks.md"))));

    private static void Check(string page, string expected)
    {
        string path = Path.Combine(RepositoryFiles.Root(), "docs", page);
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") File.WriteAllText(path, expected);
        string actual = File.Exists(path) ? RepositoryFiles.Read(path) : "";
        Expect.True(actual == expected, $"docs/{page} is stale; run this test once with {UpdateVariable}=1 and commit the page");
    }
}
