using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class WatchdogStateTests
{
    private static readonly TrainingPosition After = TrainingPosition.Start(4);

    [Fact]
    public void Back_at_the_best_weights_the_moments_are_forgotten_and_counted_anew()
    {
        Variable weight = new("w", new Shape(2), VariableKind.Weight), moment = new("w.moment1", new Shape(2), VariableKind.OptimizerState);
        using VariableStore store = new([weight, moment]);
        using StoreCopy best = new(store, [weight]);
        using Watchdog watchdog = new(store, 2, best: best);
        Set(store, weight, 1);
        Set(store, moment, 7);
        watchdog.Keep(After);
        Assert.Equal(TrainingPosition.Start(1), watchdog.OptimizerStart);
        Set(store, weight, float.NaN);
        Assert.Same(weight, watchdog.FindNonFinite());
        watchdog.RollBack("loss NaN", 1);
        Assert.Equal([1, 1], Read(store, weight));
        Assert.Equal([0, 0], Read(store, moment));
        Assert.Equal((After, After), (watchdog.Position, watchdog.OptimizerStart));
    }

    [Fact]
    public void Back_at_a_good_state_of_its_own_the_moments_go_on()
    {
        Variable weight = new("w", new Shape(2), VariableKind.Weight), moment = new("w.moment1", new Shape(2), VariableKind.OptimizerState);
        using VariableStore store = new([weight, moment]);
        using Watchdog watchdog = new(store, 2);
        Set(store, moment, 7);
        watchdog.Keep(After);
        Set(store, moment, 9);
        watchdog.RollBack("loss NaN", 1);
        Assert.Equal([7, 7], Read(store, moment));
        Assert.Equal((After, TrainingPosition.Start(1)), (watchdog.Position, watchdog.OptimizerStart));
    }

    private static void Set(VariableStore store, Variable variable, float value) => store.Fill(variable, values => values.Fill(value));

    private static float[] Read(VariableStore store, Variable variable)
    {
        float[] values = new float[2];
        store.Read(variable, values);
        return values;
    }
}
