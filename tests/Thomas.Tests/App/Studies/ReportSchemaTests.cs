using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Thomas.Study;
using Thomas.Tests.Docs;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.App.Studies;

/// <summary>The published schema is that of the records, and a validator that knows nothing of them agrees.</summary>
public sealed class ReportSchemaTests
{
    private const string UpdateVariable = "THOMAS_UPDATE_DOCS";

    private static readonly EvaluationOptions Strict = new() { OutputFormat = OutputFormat.List };

    [Fact]
    public void The_published_schema_is_that_of_the_records()
    {
        string path = Path.Combine(RepositoryFiles.Root(), "docs", "report.schema.json"), expected = ReportSchema.Render();
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") File.WriteAllText(path, expected);
        string actual = File.Exists(path) ? RepositoryFiles.Read(path) : "";
        Expect.True(actual == expected, $"docs/report.schema.json is stale; run this test once with {UpdateVariable}=1 and commit the file");
    }

    [Fact]
    public void Every_member_is_described()
    {
        List<string> missing = [];
        Visit(JsonNode.Parse(ReportSchema.Render())!, "#");
        Assert.Empty(missing);

        void Visit(JsonNode node, string path)
        {
            if (node is JsonArray array)
            {
                foreach (JsonNode? item in array) if (item is JsonObject or JsonArray) Visit(item, path);
            }

            if (node is not JsonObject schema) return;
            foreach ((string name, JsonNode? value) in schema)
            {
                if (name == "properties")
                {
                    foreach ((string property, JsonNode? described) in value!.AsObject())
                    {
                        if (described is not JsonObject o || !o.ContainsKey("description")) missing.Add($"{path}/{property}");
                    }
                }

                if (value is JsonObject or JsonArray) Visit(value, $"{path}/{name}");
            }
        }
    }

    /// <summary>What is null is left out of the file, so nothing that may be null can be required in it.</summary>
    [Fact]
    public void What_may_be_null_may_be_missing()
    {
        List<string> wrong = [];
        Visit(JsonNode.Parse(ReportSchema.Render())!, "#");
        Assert.Empty(wrong);

        void Visit(JsonNode node, string path)
        {
            if (node is not JsonObject schema) return;
            foreach (JsonNode? required in schema["required"] as JsonArray ?? [])
            {
                JsonNode property = schema["properties"]![required!.GetValue<string>()]!;
                if (property["type"] is JsonArray types && types.ToJsonString().Contains("null", StringComparison.Ordinal)) wrong.Add($"{path}/{required}");
            }

            foreach ((string name, JsonNode? value) in schema) if (value is JsonObject) Visit(value, $"{path}/{name}");
        }
    }

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    [InlineData("bare")]
    public void Reports_are_valid(string which)
    {
        EvaluationResults result = Validate(Json(which));
        Assert.True(result.IsValid, Problems(result));
    }

    [Theory]
    [InlineData("a member too many", "surprise", "1")]
    [InlineData("another version", "schema", "2")]
    [InlineData("a wrong type", "kind", "7")]
    [InlineData("a wrong list", "notes", "[1]")]
    [InlineData("null for a head", "header", "null")]
    public void What_is_no_report_is_not_valid(string what, string member, string value)
    {
        JsonNode report = Json("rich");
        report[member] = JsonNode.Parse(value);
        Assert.False(Validate(report).IsValid, what);
    }

    [Fact]
    public void What_lacks_a_member_is_not_valid()
    {
        foreach (string member in (string[])["schema", "kind", "title", "header"])
        {
            JsonObject report = Json("rich").AsObject();
            report.Remove(member);
            Assert.False(Validate(report).IsValid, member);
        }
    }

    [Fact]
    public void Numbers_that_are_none_are_valid()
    {
        StudyReport report = SampleReports.Bare() with { Stages = [new StageSeconds("decode", double.NaN)] };
        EvaluationResults result = Validate(JsonSerializer.SerializeToNode(report, StudyJson.Default.StudyReport)!);
        Assert.True(result.IsValid, Problems(result));
    }

    private static JsonNode Json(string which) => JsonSerializer.SerializeToNode(SampleReports.Named(which), StudyJson.Default.StudyReport)!;

    private static EvaluationResults Validate(JsonNode report)
    {
        JsonSchema schema = JsonSchema.FromText(RepositoryFiles.Read(Path.Combine("docs", "report.schema.json")));
        using JsonDocument document = JsonDocument.Parse(report.ToJsonString());
        return schema.Evaluate(document.RootElement, Strict);
    }

    private static string Problems(EvaluationResults result)
    {
        List<string> problems = [];
        foreach (EvaluationResults detail in result.Details ?? [])
        {
            foreach ((string key, string error) in detail.Errors ?? new Dictionary<string, string>())
            {
                problems.Add($"{detail.InstanceLocation}: {key}: {error}");
            }
        }

        return string.Join('\n', problems);
    }
}
