using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class HeadPlanTests
{
    [Fact]
    public void Inference_and_the_layer_are_there_one_after_the_other()
    {
        HeadPlan plan = HeadPlan.Create(TrainingSteps.Network, 7, 32, 100, new CompileOptions { Threads = 1 });
        Assert.Equal((7 * 1280) + 7, plan.TrainedParameters);
        Assert.Equal(100 * 1280 * sizeof(float), plan.Features);
        using Executable inference = Executable.Compile(HeadSplit.Find(TrainingSteps.Network).FeatureGraph(), plan.InferenceBatch, new CompileOptions { Threads = 1 });
        Assert.Equal(inference.SizeBytes, plan.Inference);
        Assert.Equal(plan.FrozenConstants + plan.Features + long.Max(plan.Inference, plan.Head), plan.Total);
        Assert.True(plan.StepSeconds(CostModel.Nominal) < plan.PictureSeconds(CostModel.Nominal));
    }
}
