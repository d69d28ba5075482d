using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class WatchdogTests
{
    // Weight decay d at rate r multiplies weights by 1 - r*d: at r = 6 and d = 1 they grow fivefold a step, at 0.3 * 6 they shrink.
    private static readonly TrainerOptions Unstable = TrainerJob.Options with
    {
        Epochs = 40,
        LearningRate = 6,
        WarmupShare = 0,
        FinalLearningRateShare = 1,
        Optimizer = new OptimizerOptions { Momentum = 0, WeightDecay = 1 },
    };

    [Fact]
    public void A_run_that_overflows_goes_back_and_on_with_a_lower_rate()
    {
        using TrainerJob job = new();
        List<string> messages = [];
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Message.Length > 0) messages.Add(p.Message);
        });
        TrainerResult result = job.Run(Unstable, progress: progress);
        Assert.Equal(1, result.Restarts);
        Assert.Equal(1.8f, result.LearningRate, 1e-5f);
        Assert.Equal(40, result.Epochs.Count);
        for (int i = 0; i < 40; i++) Assert.Equal(i + 1, result.Epochs[i].Epoch);
        string note = Assert.Single(result.Notes, text => text.StartsWith("first non-finite value", StringComparison.Ordinal));
        Assert.Matches("first non-finite value (NaN|∞|-∞|Infinity|-Infinity) in '.+' \\(\\w+\\) at epoch \\d+, step \\d+; ", note);
        Assert.Contains("restart 1 of 3", note, StringComparison.Ordinal);
        Assert.Equal([note], messages);
        foreach (int bits in TrainerJob.Bits(result.Model)) Assert.True(float.IsFinite(BitConverter.Int32BitsToSingle(bits)));
    }

    [Fact]
    public void How_often_parameters_are_checked_changes_only_where_it_goes_back_to()
    {
        using TrainerJob job = new();
        TrainerOptions stable = TrainerJob.Options;
        Assert.Equal(TrainerJob.Bits(job.Run(stable).Model), TrainerJob.Bits(job.Run(stable with { WatchdogSteps = 1 }).Model));

        // A state from a step before the overflow may be beyond rescue; whether it is depends on rounding, and so on the instruction tier.
        Assert.InRange(job.Run(Unstable with { WatchdogSteps = 1 }).Restarts, 1, Watchdog.MaxRestarts);
    }

    [Fact]
    public void After_three_times_it_gives_up_and_says_all()
    {
        using TrainerJob job = new();
        ThomasException e = Assert.Throws<ThomasException>(() => job.Run(Unstable with { LearningRate = 1e20f }));
        Assert.Contains("first non-finite value", e.Message, StringComparison.Ordinal);
        Assert.Contains("after 3 restarts", e.Message, StringComparison.Ordinal);
        Assert.Contains("lower learning rate", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checked_run_names_the_first_tensor_that_is_not_finite()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 37)));
        Value log = b.Add(OpCatalog.Log, [x], null, "log");
        Value sum = b.Add(OpCatalog.Add, [log, x], null, "sum");
        using Executable executable = Executable.Compile(b.Build(sum));
        executable.Input().Fill(1);
        Assert.Null(executable.RunChecked());
        executable.Input().Fill(1);
        executable.Input()[36] = -1;
        NonFinite found = executable.RunChecked()!;
        Assert.Equal(("log", "Log"), (found.Value.Name, found.Node!.Op.Name));
        Assert.True(float.IsNaN(found.Number));
        executable.Input().Fill(float.PositiveInfinity);
        found = executable.RunChecked()!;
        Assert.Equal("x", found.Value.Name);
        Assert.Null(found.Node);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(67)]
    public void Numbers_that_are_not_finite_are_found_anywhere(int length)
    {
        for (int i = 0; i < length; i++)
        {
            foreach (float number in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                float[] values = new float[length];
                Array.Fill(values, float.MaxValue);
                Assert.Null(NonFinite.In(values));
                values[i] = number;
                Assert.Equal(number, NonFinite.In(values));
            }
        }
    }
}
