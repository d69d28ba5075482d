using System;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>Inference of a batch of noise, from the images in the host's memory to the results there.</summary>
internal sealed class InferenceTrial : IDeviceTrial
{
    private readonly Executable _executable;
    private readonly float[] _images;

    /// <param name="graph">From images to vectors.</param>
    /// <param name="batch">Images of a run.</param>
    /// <param name="options">Device and threads.</param>
    public InferenceTrial(Graph graph, int batch, CompileOptions options)
    {
        _executable = Executable.Compile(graph, batch, options);
        _images = new float[_executable.Graph.Inputs[0].Shape.ElementCount];
        TrainingTrial.FillWithNoise(_images);
    }

    public void Run()
    {
        _images.CopyTo(_executable.Stage());
        _executable.Send();
        _executable.Run();
        _executable.Fetch();
    }

    public void Dispose() => _executable.Dispose();
}

/// <summary>Training steps on noise, with a learning rate of 0.</summary>
internal sealed class TrainingTrial : IDeviceTrial
{
    private readonly VariableStore _store;
    private readonly StepProgram _program;
    private readonly Batch _batch;
    private readonly int[] _labels;
    private readonly int _runs;
    private long _steps;

    /// <param name="model">The model as it will be trained, with its last layer.</param>
    /// <param name="options">What is trained, the batch, and the device.</param>
    public TrainingTrial(Model model, TrainingPlanOptions options)
    {
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        _runs = plan.Runs;
        _store = new VariableStore(plan.Graph.Variables, Device.Of(options.Compile));
        try
        {
            _program = new StepProgram(plan, _store);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        int rows = plan.MicroBatch, classes = plan.Trainee.Classes;
        _labels = new int[rows];
        _batch = new Batch(rows, plan.CompiledStep.Graph.Inputs[0].Shape.ElementCount / rows, classes);
        BatchSpans spans = _batch.Spans;
        FillWithNoise(spans.Inputs);
        spans.Weights.Fill(1f / options.Batch);
        for (int row = 0; row < rows; row++) spans.Targets[(row * classes) + (row % classes)] = 1;
    }

    public void Run()
    {
        _program.Begin(++_steps, 0);
        for (int run = 0; run < _runs; run++)
        {
            _batch.CopyTo(_program.Stage(_labels));
            _program.Send();
            _program.Run();
            _ = _program.Probabilities;
        }

        _program.End();
        _store.Device!.Finish();
    }

    public void Dispose()
    {
        _program.Dispose();
        _store.Dispose();
    }

    /// <summary>Numbers from -1 to 1, which are the same each time.</summary>
    public static void FillWithNoise(Span<float> numbers)
    {
        Rng rng = new(1);
        foreach (ref float number in numbers) number = rng.Uniform(-1, 1);
    }
}
