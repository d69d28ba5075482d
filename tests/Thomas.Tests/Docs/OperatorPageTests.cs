using System;
using System.IO;
using Xunit;

namespace Thomas.Tests.Docs;

public sealed class OperatorPageTests
{
    private const string UpdateVariable = "THOMAS_UPDATE_DOCS";

    [Fact]
    public void The_operator_page_is_up_to_date()
    {
        string path = Path.Combine(RepositoryFiles.Root(), "docs", "operators.md"), expected = OperatorPage.Render();
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") File.WriteAllText(path, expected);
        string actual = File.Exists(path) ? RepositoryFiles.Read(path) : "";
        Assert.True(actual == expected, $"docs/operators.md is not what the catalog says; run this test once with {UpdateVariable}=1 and commit the page");
    }
}
