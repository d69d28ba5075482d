using System.Collections.Generic;
using System.Linq;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class StudyPlanTests
{
    private const string Small =
        """
        {
          // a comment
          "title": "Mine",
          "visits": 2,
          "experiments": [
            { "title": "Speed", "measure": ["times"], "models": ["lenet5"], "policies": ["inference", "all"], "devices": ["serial", "cpu"], "threads": [1, 2] },
          ],
        }
        """;

    [Fact]
    public void A_plan_is_read_and_written()
    {
        StudyPlan plan = StudyPlan.Parse(Small, "mine.json");
        Assert.Equal(("Mine", 2, 1ul), (plan.Title, plan.Visits, plan.Seed));
        Assert.Equal(plan.ToJson(), StudyPlan.Parse(plan.ToJson(), "again").ToJson());
    }

    [Theory]
    [InlineData("quick")]
    [InlineData("standard")]
    [InlineData("paper")]
    public void Presets_are_plans_that_can_be_written_and_read(string name)
    {
        StudyPlan plan = StudyPresets.Get(name);
        plan.Check(name);
        Assert.Equal(plan.ToJson(), StudyPlan.Parse(plan.ToJson(), name).ToJson());
        Assert.NotEmpty(StudyExpansion.Run(plan).Units);
    }

    [Theory]
    [InlineData("", "mine.json' is not a study")]
    [InlineData("null", "it is empty")]
    [InlineData("[]", "is not a study")]
    [InlineData("{\"title\":\"x\"}", "experiments")]
    [InlineData("{\"title\":\"x\",\"experiments\":[]}", "experiments has no entry")]
    [InlineData("{\"title\":\"x\",\"experiments\":[null]}", "experiments[0]")]
    [InlineData("{\"title\":\"x\",\"rounds\":\"many\",\"experiments\":[]}", "rounds")]
    [InlineData("{\"title\":\"x\",\"round\":3,\"experiments\":[]}", "round")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"speed\"],\"models\":[\"lenet5\"]}]}", "experiments[0].measure has 'speed'")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"times\"]}]}", "experiments[0].models has no entry")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"accuracy\"],\"models\":[\"lenet5\"]}]}", "experiments[0].data has no entry")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"times\"],\"models\":[\"m\"],\"devices\":[\"gpu\"]}]}", "has 'gpu'")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"times\"],\"models\":[\"m\"],\"policies\":[\"most\"]}]}", "has 'most'")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"times\"],\"models\":[\"m\"],\"batches\":[0]}]}", "batches must be")]
    [InlineData("{\"title\":\"x\",\"experiments\":[{\"title\":\"a\",\"measure\":[\"times\"],\"models\":null}]}", "models")]
    public void A_file_that_is_no_plan_is_refused_with_the_place(string text, string expected)
    {
        ThomasException error = Assert.ThrowsAny<ThomasException>(() => StudyPlan.Parse(text, "mine.json"));
        Assert.Contains(expected, error.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void Cells_are_every_combination_once_and_serial_has_one_thread()
    {
        (IReadOnlyList<StudyUnit> units, IReadOnlyList<AbsentCell> absent) = StudyExpansion.Run(StudyPlan.Parse(Small, "mine.json"));
        Assert.Equal(["times/Speed/lenet5/inference/8", "times/Speed/lenet5/all/8"], units.Select(unit => unit.Key));
        Assert.Empty(absent);
        Assert.All(units, unit => Assert.Equal(2, unit.Visits));
    }

    [Fact]
    public void What_does_not_exist_is_absent_with_its_reason()
    {
        StudyPlan plan = StudyPlan.Parse(Small, "mine.json");
        plan = plan with
        {
            Experiments = [plan.Experiments[0] with { Devices = ["cpu", "opencl:250"], Types = ["float32", "int8"], Switches = ["", "blocking"] }],
        };
        (_, IReadOnlyList<AbsentCell> absent) = StudyExpansion.Run(plan);
        Assert.Contains(absent, cell => cell.What == "opencl:250 int8" && cell.Reason.Contains("no integer arithmetic", System.StringComparison.Ordinal));
        Assert.Contains(absent, cell => cell.What == "cpu float32 blocking" && cell.Reason.Contains("OpenCL", System.StringComparison.Ordinal));
        Assert.Contains(absent, cell => cell.What == "opencl:250 float32");
    }
}
