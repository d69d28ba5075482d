using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// A compiled graph: a flat list of bound kernel calls over one arena. A run allocates nothing on the managed heap. Not for use by several threads at once.
/// </summary>
public sealed unsafe class Executable : IDisposable
{
    // Of nominal time, so that they mean about the same work on every machine. Sharing a loop costs a microsecond or two, waking a worker ten and more until it is there.
    private const double LeastSharedSeconds = 3e-6;
    private const double LeastWakingSeconds = 100e-6;

    private readonly BoundKernel[] _steps;
    private readonly BoundKernel[] _calls;
    private readonly Arena _arena;
    private readonly Arena _constants;
    private readonly List<MemoryHandle> _pins;
    private readonly ThreadTeam _team;
    private readonly VariableStore? _variables;
    private readonly bool _ownsTeam;
    private bool _disposed;

    private Executable(CompiledGraph compiled, BoundKernel[] steps, Arena arena, Arena constants, List<MemoryHandle> pins, ThreadTeam team, bool ownsTeam, VariableStore? variables)
    {
        Graph = compiled.Graph;
        Plan = compiled.Plan;
        _steps = steps;
        _calls = ElementChains.Join(steps);
        _arena = arena;
        _constants = constants;
        _pins = pins;
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
    public static Executable Compile(Graph graph, int batch = 1, CompileOptions? options = null) =>
        CompileAsIs(Rebatch.Run(graph, batch), options ?? new CompileOptions());

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
    internal static Executable Create(CompiledGraph compiled, VariableStore? variables = null, ThreadTeam? team = null)
    {
        if (team is not null && team.Threads != compiled.Threads) throw new ArgumentException($"Compiled for {compiled.Threads} threads, the team has {team.Threads}.", nameof(team));
        bool ownsTeam = team is null;
        List<MemoryHandle> pins = [];
        Arena? arena = null, constants = null;
        try
        {
            arena = new Arena(compiled.Plan.ArenaBytes);
            constants = new Arena(compiled.ConstantBytes);
            Binder binder = new(compiled, arena, constants, pins, variables);
            BoundKernel[] steps = binder.BindAll();
            team ??= new ThreadTeam(compiled.Threads);
            return new Executable(compiled, steps, arena, constants, pins, team, ownsTeam, variables);
        }
        catch
        {
            Release(arena, constants, pins, null);
            throw;
        }
    }

    /// <summary>The memory of a graph input, row-major. Write all of it before each run: later values may reuse the bytes.</summary>
    public Span<float> Input(int index = 0) => Memory(Graph.Inputs[index]);

    /// <summary>The memory of a graph output, row-major; valid until the next run.</summary>
    public ReadOnlySpan<float> Output(int index = 0) => Memory(Graph.Outputs[index]);

    /// <summary>Executes all steps.</summary>
    public void Run()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (BoundKernel call in _calls) RunStep(call);
    }

    /// <summary>Executes steps until one reads or writes a number that is not finite.</summary>
    /// <returns>Where that was; null if all steps ran and all numbers were finite.</returns>
    internal NonFinite? RunChecked()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
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

    /// <summary>Executes all steps and adds the time of each, in seconds, to <paramref name="seconds"/> (one entry per kernel).</summary>
    public void RunTimed(Span<double> seconds)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (int i = 0; i < _steps.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            RunStep(_steps[i]);
            seconds[i] += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    /// <summary>Frees arena, packed weights and threads.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Release(_arena, _constants, _pins, _ownsTeam ? _team : null);
    }

    private static void Release(Arena? arena, Arena? constants, List<MemoryHandle> pins, ThreadTeam? team)
    {
        team?.Dispose();
        arena?.Dispose();
        constants?.Dispose();
        foreach (MemoryHandle pin in pins) pin.Dispose();
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
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (value.Constant is not null) return value.Constant.Floats.ToArray();
        if (Plan.VariableOf.TryGetValue(value, out Variable? variable)) return _variables![variable];
        return new Span<float>(_arena.Pointer + Plan.Offsets[value], value.Shape.ElementCount);
    }

    /// <summary>Gives kernels their addresses.</summary>
    private sealed class Binder(CompiledGraph compiled, Arena arena, Arena constants, List<MemoryHandle> pins, VariableStore? variables)
    {
        private readonly MemoryPlan _plan = compiled.Plan;
        private readonly Dictionary<Value, nint> _pinned = [];

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

                kernel.PackConstants(constants.Pointer + compiled.ConstantOffsets[i]);
                kernel.Bind(inputs, outputs, _plan.WorkspaceOffsets[i] < 0 ? null : arena.Pointer + _plan.WorkspaceOffsets[i], compiled.Threads);
                double seconds = cost.Seconds(node);
                steps.Add(new BoundKernel(kernel, node, operands, seconds >= LeastSharedSeconds, left >= LeastWakingSeconds));
                left -= seconds;
            }

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

            if (value.Constant is null) return (nint)(arena.Pointer + _plan.Offsets[value]);
            if (!_pinned.TryGetValue(value, out nint address))
            {
                MemoryHandle pin = value.Constant.Bytes.Pin();
                pins.Add(pin);
                address = (nint)pin.Pointer;
                _pinned.Add(value, address);
            }

            return address;
        }
    }
}
