using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// The compiled training step. For each step: <see cref="Begin"/>; then for each micro-batch fill what <see cref="Stage"/> gives, <see cref="Send"/> and
/// <see cref="Run"/>; then
/// <see cref="End"/>. Nothing of it allocates.
/// </summary>
internal sealed class StepProgram : ITrainingStep
{
    /// <summary>Arenas of this size are worth a collection before they are taken.</summary>
    private const long LargeBytes = 16 << 20;

    // Larger numbers would not all be whole numbers in float32. Masks come again after 2^18 steps.
    private const long DropoutNumbers = 1 << 24, DropoutNumbersPerStep = 64;

    private readonly OptimizerOptions _optimizer;
    private readonly bool _hasDropout;
    private readonly Executable _step;
    private readonly Executable? _apply;
    private float _rate;
    private float _scale;
    private long _number;
    private int _run;

    /// <summary>Compiles the graphs of a step and gives them memory.</summary>
    public StepProgram(TrainingGraph graph, TrainingGraphOptions options, VariableStore store, CompileOptions compile, ThreadTeam? team = null)
        : this(
            options,
            graph.HasDropout,
            CompiledGraph.Create(graph.Step, compile, team?.Threads ?? 0),
            graph.Apply is Graph apply ? CompiledGraph.Create(apply, compile, team?.Threads ?? 0) : null,
            store,
            team)
    {
    }

    /// <summary>Gives a planned step the memory that its plan says.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="store">Memory of the variables of the plan's graph.</param>
    /// <param name="team">Threads to share, as many as were planned for; null for a team of its own.</param>
    public StepProgram(TrainingPlan plan, VariableStore store, ThreadTeam? team = null)
        : this(plan.GraphOptions, plan.Graph.HasDropout, plan.CompiledStep, plan.CompiledApply, store, team)
    {
    }

    /// <summary>Compiles a step whose runs only sum gradients, for another program to apply them.</summary>
    public static StepProgram WithoutUpdate(
        TrainingGraph graph, TrainingGraphOptions options, VariableStore store, CompileOptions compile, ThreadTeam? team, (int First, int Stride) masks) =>
        new(options, graph.HasDropout, CompiledGraph.Create(graph.Step, compile, team?.Threads ?? 0), null, store, team) { SumsOnly = true, Masks = masks };

    private StepProgram(TrainingGraphOptions options, bool hasDropout, CompiledGraph step, CompiledGraph? apply, VariableStore store, ThreadTeam? team)
    {
        _optimizer = options.Optimizer;
        Batch = options.Batch;
        _hasDropout = hasDropout;
        if (step.SizeBytes > LargeBytes) ReturnGarbage();
        _step = Executable.Create(step, store, team);
        try
        {
            _apply = apply is null ? null : Executable.Create(apply, store, team);
        }
        catch
        {
            _step.Dispose();
            throw;
        }
    }

    /// <summary>Images of one run.</summary>
    public int Batch { get; }

    /// <summary>The compiled step, for its plan and kernels.</summary>
    public Executable Step => _step;

    /// <summary>The compiled update, where it is apart.</summary>
    public Executable? Apply => _apply;

    /// <summary>Which of the masks of dropout the runs take, where several programs work at one step: the first, and how many lie between.</summary>
    public (int First, int Stride) Masks { get; init; } = (0, 1);

    /// <inheritdoc/>
    public IReadOnlyList<string> Kernels => _apply is null ? _step.Kernels : [.. _step.Kernels, .. _apply.Kernels];

    /// <inheritdoc/>
    public long SizeBytes => _step.SizeBytes + (_apply?.SizeBytes ?? 0);

    /// <inheritdoc/>
    public long DeviceBytes => _step.DeviceBytes + (_apply?.DeviceBytes ?? 0);

    private bool SumsOnly { get; init; }

    /// <summary>Where the inputs of the next run are put, after which <see cref="Send"/> brings them to the device.</summary>
    /// <param name="labels">Receives the classes of the rows, which stay with the caller.</param>
    public BatchSpans Stage(Span<int> labels) => new(_step.Stage(0), _step.Stage(1), _step.Stage(2), labels);

    /// <summary>Class probabilities that the last run computed, [n,c].</summary>
    public ReadOnlySpan<float> Probabilities => _step.Fetch(1);

    /// <inheritdoc/>
    public bool GoesAhead => _step.GoesAhead();

    /// <summary>Starts a step.</summary>
    /// <param name="number">Number of the step, from 1, for Adam's bias correction.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientScale">Factor on all gradients.</param>
    public void Begin(long number, float rate, float gradientScale = 1) => (_number, _rate, _scale, _run) = (number, rate, gradientScale, 0);

    /// <summary>Brings what was put into <see cref="Stage"/> to the device.</summary>
    public void Send()
    {
        for (int input = 0; input < 3; input++) _step.Send(input);
    }

    /// <inheritdoc/>
    public void SendAhead()
    {
        for (int input = 0; input < 3; input++) _step.SendAhead(input);
    }

    /// <inheritdoc/>
    public float Run()
    {
        Start();
        return Finish();
    }

    /// <inheritdoc/>
    public void Start()
    {
        FeedNumbers();
        _step.Run();
    }

    /// <inheritdoc/>
    public float Finish()
    {
        float loss = 0;
        _step.Read(0, new Span<float>(ref loss));
        return loss;
    }

    /// <summary>As <see cref="Run"/>, and adds the time of each kernel of <see cref="Step"/>, in seconds.</summary>
    public float RunTimed(Span<double> seconds)
    {
        FeedNumbers();
        _step.RunTimed(seconds);
        return Finish();
    }

    /// <summary>As <see cref="Run"/>, but ends at the first number that is not finite.</summary>
    /// <returns>Where that was; null if all were finite.</returns>
    public NonFinite? RunChecked()
    {
        FeedNumbers();
        return _step.RunChecked();
    }

    /// <summary>Applies summed gradients, where the runs have not updated the weights themselves.</summary>
    public void End()
    {
        if (_apply is null) return;
        FeedControl(_apply, 0);
        _apply.Run();
    }

    /// <summary>As <see cref="End"/>, but ends at the first number that is not finite.</summary>
    /// <returns>Where that was; null if all were finite.</returns>
    public NonFinite? EndChecked()
    {
        if (_apply is null) return null;
        FeedControl(_apply, 0);
        return _apply.RunChecked();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _apply?.Dispose();
    }

    /// <summary>
    /// Reading a model and planning leave garbage of several times the model's size: it goes back to the system, so that the process stays near the plan.
    /// </summary>
    private static void ReturnGarbage() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    private void FeedNumbers()
    {
        if (_apply is null && !SumsOnly) FeedControl(_step, 3);
        else _step.Write(3, [_run == 0 ? 0 : 1]);
        if (_hasDropout) _step.Write(4, [((_number * DropoutNumbersPerStep) + Masks.First + (_run * Masks.Stride)) % DropoutNumbers]);
        _run++;
    }

    private void FeedControl(Executable executable, int input)
    {
        Span<float> control = stackalloc float[UpdateOp.ControlLength];
        _optimizer.WriteControl(_rate, _scale, _number, control);
        executable.Write(input, control);
    }
}
