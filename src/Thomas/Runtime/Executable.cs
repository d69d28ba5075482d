using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// A compiled graph: a flat list of bound kernel calls over one arena. A run allocates nothing on the managed heap. One thread at a time: inputs, run and outputs belong
/// together, so each thread needs an executable of its own. A call during another thread's run is refused. <see cref="ImageClassifier"/> serves several threads.
/// </summary>
public sealed unsafe class Executable : IDisposable
{
    // Of nominal time, so that they mean about the same work on every machine. Sharing a loop costs a microsecond or two, waking a worker ten and more until it is there.
    private const double LeastSharedSeconds = 3e-6;
    private const double LeastWakingSeconds = 100e-6;

    private readonly BoundKernel[] _steps;
    private readonly BoundKernel[] _calls;
    private readonly Arena _arena;
    private readonly ConstantMemory _constants;
    private readonly ThreadTeam _team;
    private readonly VariableStore? _variables;
    private readonly bool _ownsConstants;
    private readonly bool _ownsTeam;
    private UseGate _gate;

    private Executable(CompiledGraph compiled, BoundKernel[] steps, Arena arena, ConstantMemory constants, bool ownsConstants, ThreadTeam team, bool ownsTeam, VariableStore? variables)
    {
        Graph = compiled.Graph;
        Plan = compiled.Plan;
        _steps = steps;
        _calls = ElementChains.Join(steps);
        _arena = arena;
        _constants = constants;
        _ownsConstants = ownsConstants;
        _team = team;
        _ownsTeam = ownsTeam;
        _variables = variables;
    }

    /// <summary>The graph after all passes; its node order is the schedule.</summary>
    public Graph Graph { get; }

    /// <summary>Where the values lie.</summary>
    public MemoryPlan Plan { get; }

    /// <summary>Threads of the team.</summary>
    public int Threads => _team.Threads;

    /// <summary>Bytes of the arena plus packed constants: what this executable holds beyond the model itself.</summary>
    public long SizeBytes => _arena.SizeBytes + _constants.SizeBytes;

    /// <summary>Names of the kernels in the order they run, for logs and reports.</summary>
    public IReadOnlyList<string> Kernels => Array.ConvertAll(_steps, static step => step.Kernel.Name);

    /// <summary>Kernel calls of a run; fewer than kernels where element-wise ones are joined.</summary>
    internal int Calls => _calls.Length;

    /// <summary>Compiles a graph for one batch size.</summary>
    /// <param name="graph">A model's graph.</param>
    /// <param name="batch">Size of the inputs' first axis.</param>
    /// <param name="options">Device, threads and switches.</param>
    /// <exception cref="ThomasException">The batch does not fit into memory; the message names the largest that does.</exception>
    public static Executable Compile(Graph graph, int batch = 1, CompileOptions? options = null) =>
        Create(BatchFit.Compile(graph, batch, options ?? new CompileOptions()));

    /// <summary>Compiles a graph with the input shapes that it has.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="options">Device, threads and switches.</param>
    /// <param name="variables">Where the graph's variables lie; null for a graph without any.</param>
    /// <param name="team">Threads to share with other executables; null for a team of its own. Their number goes before the options'.</param>
    internal static Executable CompileAsIs(Graph graph, CompileOptions options, VariableStore? variables = null, ThreadTeam? team = null) =>
        Create(CompiledGraph.Create(graph, options, team?.Threads ?? 0), variables, team);

    /// <summary>Gives a compiled graph its memory: exactly what its plan says.</summary>
    /// <param name="compiled">The graph.</param>
    /// <param name="variables">Where the graph's variables lie; null for a graph without any.</param>
    /// <param name="team">Threads to share with other executables, as many as the graph was compiled for; null for a team of its own.</param>
    /// <param name="shared">Constants to share with other executables of the same compiled graph; null for its own.</param>
    internal static Executable Create(CompiledGraph compiled, VariableStore? variables = null, ThreadTeam? team = null, ConstantMemory? shared = null)
    {
        if (team is not null && team.Threads != compiled.Threads) throw new ArgumentException($"Compiled for {compiled.Threads} threads, the team has {team.Threads}.", nameof(team));
        bool ownsTeam = team is null;
        Arena? arena = null;
        ConstantMemory? constants = shared;
        try
        {
            arena = new Arena(compiled.Plan.ArenaBytes);
            constants ??= new ConstantMemory(compiled);
            Binder binder = new(compiled, arena, constants, variables);
            BoundKernel[] steps = binder.BindAll();
            team ??= new ThreadTeam(compiled.Threads);
            return new Executable(compiled, steps, arena, constants, shared is null, team, ownsTeam, variables);
        }
        catch
        {
            arena?.Dispose();
            if (shared is null) constants?.Dispose();
            throw;
        }
    }

    /// <summary>The memory of a graph input, row-major. Write all of it before each run: later values may reuse the bytes.</summary>
    /// <remarks>
    /// The span does not keep this object alive, and its memory goes with it: the garbage collector may free an executable after its last use in the code, though a span is
    /// still used. Keep it referenced as long, by <c>using</c>, by a field or by <see cref="GC.KeepAlive"/>.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public Span<float> Input(int index = 0)
    {
        _gate.Check(this);
        return Memory(Graph.Inputs[index]);
    }

    /// <summary>The memory of a graph output, row-major; valid until the next run.</summary>
    /// <remarks>As for <see cref="Input"/>, this object must stay referenced while the span is used.</remarks>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public ReadOnlySpan<float> Output(int index = 0)
    {
        _gate.Check(this);
        return Memory(Graph.Outputs[index]);
    }

    /// <summary>Executes all steps.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public void Run()
    {
        _gate.Enter(this);
        try
        {
            foreach (BoundKernel call in _calls) RunStep(call);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Executes steps until one reads or writes a number that is not finite.</summary>
    /// <returns>Where that was; null if all steps ran and all numbers were finite.</returns>
    internal NonFinite? RunChecked()
    {
        _gate.Enter(this);
        try
        {
            foreach (Value input in Graph.Inputs)
            {
                if (NonFinite.In(Memory(input)) is float found) return new NonFinite(input, null, found);
            }

            foreach (BoundKernel step in _steps)
            {
                RunStep(step);
                foreach (Value output in step.Node.Outputs)
                {
                    if (NonFinite.In(Memory(output)) is float found) return new NonFinite(output, step.Node, found);
                }
            }

            return null;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Executes all steps and adds the time of each, in seconds, to <paramref name="seconds"/> (one entry per kernel).</summary>
    /// <exception cref="ArgumentException"><paramref name="seconds"/> has fewer entries than there are kernels.</exception>
    public void RunTimed(Span<double> seconds)
    {
        if (seconds.Length < _steps.Length) throw new ArgumentException($"There are {_steps.Length} kernels and {seconds.Length} entries for their times.", nameof(seconds));
        _gate.Enter(this);
        try
        {
            for (int i = 0; i < _steps.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                RunStep(_steps[i]);
                seconds[i] += Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Frees arena, packed weights and threads; during a run, at its end.</summary>
    public void Dispose()
    {
        if (_gate.TryEnd()) Release();
    }

    private void Leave()
    {
        if (_gate.Leave()) Release();
    }

    private void Release()
    {
        if (_ownsTeam) _team.Dispose();
        _arena.Dispose();
        if (_ownsConstants) _constants.Dispose();
    }

    private void RunStep(in BoundKernel step)
    {
        CpuKernel kernel = step.Kernel;
        int phases = kernel.Phases;
        for (int phase = 0; phase < phases; phase++)
        {
            int items = kernel.Items(phase);
            if (items == 0) continue;
            if (step.Shared) _team.Run(kernel, phase, items, step.Wakes);
            else kernel.Run(phase, 0, items, 0);
        }
    }

    private Span<float> Memory(Value value)
    {
        if (value.Constant is not null) return value.Constant.Floats.ToArray();
        if (Plan.VariableOf.TryGetValue(value, out Variable? variable)) return _variables![variable];
        return new Span<float>(_arena.Pointer + Plan.Offsets[value], value.Shape.ElementCount);
    }

    /// <summary>Gives kernels their addresses.</summary>
    private sealed class Binder(CompiledGraph compiled, Arena arena, ConstantMemory constants, VariableStore? variables)
    {
        private readonly MemoryPlan _plan = compiled.Plan;

        public BoundKernel[] BindAll()
        {
            List<BoundKernel> steps = [];
            CpuKernel?[] kernels = compiled.CreateKernels();
            CostModel cost = CostModel.Nominal with { NodeSeconds = 0 };
            double left = cost.Seconds(compiled.Graph);
            for (int i = 0; i < kernels.Length; i++)
            {
                if (kernels[i] is not CpuKernel kernel) continue;
                Node node = compiled.Graph.Nodes[i];
                nint[] inputs = new nint[node.Inputs.Count], outputs = new nint[node.Outputs.Count];
                MemoryRange[] operands = new MemoryRange[inputs.Length + outputs.Length];
                for (int k = 0; k < operands.Length; k++)
                {
                    bool written = k >= inputs.Length;
                    Value value = written ? node.Outputs[k - inputs.Length] : node.Inputs[k];
                    nint address = AddressOf(value);
                    if (written) outputs[k - inputs.Length] = address;
                    else inputs[k] = address;
                    operands[k] = new MemoryRange(address, address + (nint)value.Type.SizeBytes, written);
                }

                kernel.UseConstants(constants.Packed + compiled.ConstantOffsets[i], pack: !constants.IsComplete);
                kernel.Bind(inputs, outputs, _plan.WorkspaceOffsets[i] < 0 ? null : arena.Pointer + _plan.WorkspaceOffsets[i], compiled.Threads);
                double seconds = cost.Seconds(node);
                steps.Add(new BoundKernel(kernel, node, operands, seconds >= LeastSharedSeconds, left >= LeastWakingSeconds));
                left -= seconds;
            }

            constants.Complete();
            return [.. steps];
        }

        /// <summary>Constants are used where they lie (in the model file as read), variables in their store, values where the plan puts them.</summary>
        private nint AddressOf(Value value)
        {
            if (_plan.VariableOf.TryGetValue(value, out Variable? variable) || (variable = value.Variable) is not null)
            {
                if (variables is null || !variables.Contains(variable)) throw new GraphException($"No memory was given for the variable '{variable.Name}'.");
                return (nint)variables.Address(variable);
            }

            return value.Constant is null ? (nint)(arena.Pointer + _plan.Offsets[value]) : constants.AddressOf(value);
        }
    }
}
