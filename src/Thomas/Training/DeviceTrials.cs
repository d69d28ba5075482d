using System;
using Thomas.Graphs;
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
    private readonly ITrainingStep _step;
    private readonly ThreadTeam _team;
    private readonly Batch _batch;
    private readonly int[] _labels;
    private readonly int _runs;
    private long _steps;
    private bool _isFed;

    /// <param name="model">The model as it will be trained, with its last layer.</param>
    /// <param name="options">What is trained, the batch, and the device; where that is hybrid, with the share.</param>
    public TrainingTrial(Model model, TrainingPlanOptions options)
    {
        CompileOptions compile = options.Compile with { KeptAs = options.Compression.KeptType() };
        Places places = Places.Of(compile);
        _team = new ThreadTeam(places.Threads);
        try
        {
            Trainee trainee;
            int rows;
            if (HybridSplit.IsAsked(compile))
            {
                rows = options.MicroBatch ?? options.Batch;
                trainee = Trainee.Create(model, options.Policy, options.BatchNorm, options.Compression);
                HybridSplit.Check(trainee, rows, compile);
                TrainingGraphOptions part = new(
                    HybridSplit.DeviceRows(rows, compile.DeviceShare!.Value), options.Optimizer, Dropout: options.Dropout, DropoutSeed: options.DropoutSeed,
                    Meets: true);
                TrainingGraph graph = TrainingGraph.Build(trainee, part);
                _store = new VariableStore(graph.Variables, places.Devices[0]);
                _step = new HybridStep(trainee, graph, part, _store, compile, rows, _team);
            }
            else
            {
                TrainingPlan plan = TrainingPlanner.Plan(model, options);
                (rows, trainee) = (plan.MicroBatch, plan.Trainee);
                _store = new VariableStore(plan.Graph.Variables, places.Devices[0]);
                _step = new StepProgram(plan, _store, _team);
            }

            _runs = options.Batch / rows;
            _labels = new int[rows];
            _batch = new Batch(rows, trainee.Graph.Inputs[0].Shape.ElementCount, trainee.Classes);
            Fill(_batch, trainee.Classes);
            _batch.Spans.Weights.Fill(1f / options.Batch);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Run()
    {
        _step.Begin(++_steps, 0);
        for (int run = 0; run < _runs; run++)
        {
            if (!_isFed) _batch.CopyTo(_step.Stage(_labels));
            _step.Send();
            _step.Start();
            _isFed = _step.GoesAhead;
            if (_isFed)
            {
                _batch.CopyTo(_step.Stage(_labels));
                _step.SendAhead();
            }

            _ = _step.Finish();
            _ = _step.Probabilities;
        }

        _step.End();
        _store.Device!.Finish();
    }

    public void Dispose()
    {
        _step?.Dispose();
        _store?.Dispose();
        _team.Dispose();
    }

    /// <summary>Noise, of every class in turn, each row with the same weight.</summary>
    public static void Fill(Batch batch, int classes)
    {
        BatchSpans spans = batch.Spans;
        FillWithNoise(spans.Inputs);
        int rows = spans.Targets.Length / classes;
        spans.Weights.Fill(1f / rows);
        for (int row = 0; row < rows; row++) spans.Targets[(row * classes) + (row % classes)] = 1;
    }

    /// <summary>Numbers from -1 to 1, which are the same each time.</summary>
    public static void FillWithNoise(Span<float> numbers)
    {
        Rng rng = new(1);
        foreach (ref float number in numbers) number = rng.Uniform(-1, 1);
    }
}
