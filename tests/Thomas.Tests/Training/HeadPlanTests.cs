using System;
using Thomas.Graphs;
using Thomas.Ops;
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
        HeadPlan plan = HeadPlan.Create(TrainingSteps.Network, 7, TrainerOptions.LastLayer, 100, new CompileOptions { Threads = 1 });
        Assert.Equal((7 * 1280) + 7, plan.TrainedParameters);
        Assert.Equal(100 * 1280 * sizeof(float), plan.Features);
        using Executable inference = Executable.Compile(
            HeadSplit.Find(TrainingSteps.Network).FeatureGraph(), plan.InferenceBatch, new CompileOptions { Threads = 1 });
        Assert.Equal(inference.SizeBytes, plan.Inference);
        Assert.Equal(plan.FrozenConstants + plan.Features + long.Max(plan.Inference, plan.Head), plan.Total);
        Assert.True(plan.StepSeconds(CostModel.Nominal) < plan.ImageSeconds(CostModel.Nominal));
    }

    [Fact]
    public void A_very_large_output_that_is_no_row_of_scores_costs_no_memory()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 2_000_000, 3)));
        Value w = b.Constant("w", TensorData.FromFloats(new Shape(3, 1, 1, 3), new float[9]));
        Value y = b.Add(OpCatalog.Conv2d, [x, w], new Conv2dAttributes(new Window2d(1, 1)));
        Model model = new(b.Build(y), new ModelInfo { Name = "large" });
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = Tuner.Describe(model);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }
}
