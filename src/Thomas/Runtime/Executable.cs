using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// A compiled graph: a flat list of bound kernel calls over one arena. A run allocates nothing on the managed heap. One thread at a time: inputs, run and
/// outputs belong together, so each thread needs an executable of its own. A call during another thread's run is refused. <see cref="ImageClassifier"/> serves
/// several threads.
/// </summary>
public sealed class Executable : IDisposable
{
    private readonly CompiledGraph _compiled;
    private readonly Segment[] _segments;
    private readonly DeviceMemory[] _arenas;
    private readonly InputStage?[] _stages;
    private readonly float[]?[] _outputBuffers;
    private readonly ConstantMemory _constants;
    private readonly ThreadTeam _team;
    private readonly VariableStore? _variables;
    private readonly bool _ownsConstants;
    private readonly bool _ownsTeam;
    private UseGate _gate;

    private Executable(
        CompiledGraph compiled, Segment[] segments, DeviceMemory[] arenas, ConstantMemory constants, bool ownsConstants, ThreadTeam team, bool ownsTeam,
        VariableStore? variables)
    {
        _compiled = compiled;
        _segments = segments;
        _arenas = arenas;
        _stages = new InputStage?[compiled.Graph.Inputs.Count];
        _outputBuffers = new float[compiled.Graph.Outputs.Count][];
        _constants = constants;
        _ownsConstants = ownsConstants;
        _team = team;
        _ownsTeam = ownsTeam;
        _variables = variables;
    }

    /// <summary>Writes a batch of <see cref="RunAll"/>.</summary>
    internal delegate void BatchFiller(int batch, Span<float> input);

    /// <summary>Takes the output of a batch of <see cref="RunAll"/>, which is valid during the call.</summary>
    internal delegate void BatchReceiver(int batch, ReadOnlySpan<float> output);

    /// <summary>The graph after all passes; its node order is the schedule.</summary>
    public Graph Graph => _compiled.Graph;

    /// <summary>Where the values lie.</summary>
    public MemoryPlan Plan => _compiled.Plan;

    /// <summary>Threads of the team.</summary>
    public int Threads => _team.Threads;

    /// <summary>Bytes of the arena plus packed constants: what this executable holds beyond the model itself.</summary>
    public long SizeBytes
    {
        get
        {
            long bytes = _compiled.SizeBytes;
            foreach (InputStage? stage in _stages) bytes += stage is null ? 0 : stage.DeviceBytes + stage.HostBytes;
            foreach (float[]? buffer in _outputBuffers) bytes += sizeof(float) * (long)(buffer?.Length ?? 0);
            return bytes;
        }
    }

    /// <summary>What of <see cref="SizeBytes"/> is in the memory of a device that is not the host.</summary>
    internal long DeviceBytes
    {
        get
        {
            long bytes = _compiled.DeviceBytes;
            foreach (InputStage? stage in _stages) bytes += stage?.DeviceBytes ?? 0;
            return bytes;
        }
    }

    /// <summary>Names of the kernels in the order they run, for logs and reports.</summary>
    public IReadOnlyList<string> Kernels
    {
        get
        {
            List<string> names = [];
            foreach (Segment segment in _segments)
            {
                for (int i = 0; i < segment.Nodes.Count; i++) names.Add(segment.NameOf(i));
            }

            return names;
        }
    }

    /// <summary>Kernel calls of a run; fewer than kernels where element-wise ones are joined.</summary>
    internal int Calls
    {
        get
        {
            int calls = 0;
            foreach (Segment segment in _segments) calls += segment.Calls;
            return calls;
        }
    }

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
        if (team is not null && team.Threads != compiled.Threads)
        {
            throw new ArgumentException($"Compiled for {compiled.Threads} threads, the team has {team.Threads}.", nameof(team));
        }

        bool ownsTeam = team is null, ownsConstants = shared is null;
        DeviceMemory[] arenas = new DeviceMemory[compiled.Places.Count];
        ConstantMemory? constants = shared;
        try
        {
            for (int place = 0; place < arenas.Length; place++) arenas[place] = compiled.Places.Devices[place].Allocate(compiled.Plan.Arenas[place].Bytes);
            constants ??= new ConstantMemory(compiled);
            team ??= new ThreadTeam(compiled.Threads);
            Segment[] segments = new Binder(compiled, arenas, constants, variables).BindAll(team);
            return new Executable(compiled, segments, arenas, constants, ownsConstants, team, ownsTeam, variables);
        }
        catch
        {
            foreach (DeviceMemory? arena in arenas) arena?.Dispose();
            if (ownsConstants) constants?.Dispose();
            if (ownsTeam) team?.Dispose();
            throw;
        }
    }

    /// <summary>The memory of a graph input, row-major. Write all of it before each run: later values may reuse the bytes.</summary>
    /// <remarks>
    /// The span does not keep this object alive, and its memory goes with it: the garbage collector may free an executable after its last use in the code,
    /// though a span is still used. Keep it referenced as long, by <c>using</c>, by a field or by <see cref="GC.KeepAlive"/>.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Another thread runs it, the input is not F32, or it lies in the memory of a device that is not the host's:
    /// use <see cref="Write"/>.</exception>
    public Span<float> Input(int index = 0)
    {
        _gate.Check(this);
        Value value = Graph.Inputs[index];
        return HostFloats(value, SpanOf(value), nameof(Write));
    }

    /// <summary>The memory of a graph output, row-major; valid until the next run.</summary>
    /// <remarks>As for <see cref="Input"/>, this object must stay referenced while the span is used.</remarks>
    /// <exception cref="InvalidOperationException">Another thread runs it, the output is not F32, or it lies in the memory of a device that is not the host's:
    /// use <see cref="Read"/>.</exception>
    public ReadOnlySpan<float> Output(int index = 0)
    {
        _gate.Check(this);
        Value value = Graph.Outputs[index];
        return value.Constant is TensorData constant ? constant.ToFloats() : HostFloats(value, SpanOf(value), nameof(Read));
    }

    /// <summary>Sets a graph input, on whatever device. Write all inputs before each run: later values may reuse the bytes.</summary>
    /// <param name="index">Which of the inputs.</param>
    /// <param name="values">All its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of elements.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public void Write(int index, ReadOnlySpan<float> values)
    {
        _gate.Check(this);
        Value value = Graph.Inputs[index];
        RequireLength(value, values.Length, nameof(values));
        MemorySpan span = SpanOf(value);
        span.Memory!.WriteFloats(span.Offset, values);
    }

    /// <summary>Waits for the last run and gets a graph output, from whatever device.</summary>
    /// <param name="index">Which of the outputs.</param>
    /// <param name="values">Receives all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of elements.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public void Read(int index, Span<float> values)
    {
        _gate.Check(this);
        Value value = Graph.Outputs[index];
        RequireLength(value, values.Length, nameof(values));
        if (value.Constant is TensorData constant)
        {
            constant.CopyTo(values);
            return;
        }

        MemorySpan span = SpanOf(value);
        span.Memory!.ReadFloats(span.Offset, values);
        Confirm();
    }

    /// <summary>Sets a graph input of any type, on whatever device.</summary>
    /// <param name="index">Which of the inputs.</param>
    /// <param name="elements">The bytes of all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of bytes.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal void WriteBytes(int index, ReadOnlySpan<byte> elements)
    {
        _gate.Check(this);
        MemorySpan span = SpanOf(Graph.Inputs[index]);
        if (elements.Length != span.Bytes)
        {
            throw new ArgumentException($"{Graph.Inputs[index]} has {span.Bytes} bytes, not {elements.Length}.", nameof(elements));
        }

        span.Memory!.Write(span.Offset, elements);
    }

    /// <summary>Waits for the last run and gets a graph output of any type that is no constant, from whatever device.</summary>
    /// <param name="index">Which of the outputs.</param>
    /// <param name="elements">Receives the bytes of all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of bytes.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal void ReadBytes(int index, Span<byte> elements)
    {
        _gate.Check(this);
        MemorySpan span = SpanOf(Graph.Outputs[index]);
        if (elements.Length != span.Bytes)
        {
            throw new ArgumentException($"{Graph.Outputs[index]} has {span.Bytes} bytes, not {elements.Length}.", nameof(elements));
        }

        span.Memory!.Read(span.Offset, elements);
        Confirm();
    }

    /// <summary>
    /// Memory to put a graph input into, all of it, after which <see cref="Send"/> brings it to the device: where that is the host, the input itself; else
    /// what suits the device, see <see cref="InputStage"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal Span<float> Stage(int index = 0)
    {
        _gate.Check(this);
        Value value = Graph.Inputs[index];
        MemorySpan span = SpanOf(value);
        if (span.Memory is HostMemory) return HostFloats(value, span, nameof(Write));
        RequireFloats(value);
        return (_stages[index] ??= _compiled.Places.Devices[value.Place].CreateStage(span)).Stage();
    }

    /// <summary>
    /// Whether an input may be put into <see cref="Stage"/>, and <see cref="SendAhead"/> called, while the device is busy with the last run. Known once
    /// <see cref="Stage"/> was called.
    /// </summary>
    internal bool GoesAhead(int index = 0) => _stages[index]?.GoesAhead == true;

    /// <summary>Begins to bring what was put into <see cref="Stage"/> to the device, beside what it computes; <see cref="Send"/> must follow.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal void SendAhead(int index = 0)
    {
        _gate.Check(this);
        if (_stages[index] is InputStage { GoesAhead: true } stage) stage.SendAhead();
    }

    /// <summary>Brings what was put into <see cref="Stage"/> to the device; nothing to do where that is the host.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal void Send(int index = 0)
    {
        _gate.Check(this);
        _stages[index]?.Send();
    }

    /// <summary>
    /// Runs once for each of some batches of the first input, and hands out the first output of each, in order. Where the device takes the next batch while it
    /// computes, that is prepared meanwhile.
    /// </summary>
    /// <param name="first">Number of the first batch.</param>
    /// <param name="end">Number behind the last.</param>
    /// <param name="fill">Writes a batch.</param>
    /// <param name="receive">Takes the output of a batch.</param>
    internal void RunAll(int first, int end, BatchFiller fill, BatchReceiver receive)
    {
        bool isFilled = false;
        for (int batch = first; batch < end; batch++)
        {
            if (!isFilled) fill(batch, Stage());
            Send();
            Run();
            isFilled = batch + 1 < end && GoesAhead();
            if (isFilled)
            {
                fill(batch + 1, Stage());
                SendAhead();
            }

            receive(batch, Fetch());
        }
    }

    /// <summary>
    /// Waits for the last run and returns a graph output, valid until the next run: where the device is the host the output itself, else a copy in a buffer.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    internal ReadOnlySpan<float> Fetch(int index = 0)
    {
        Value value = Graph.Outputs[index];
        if (value.IsConstant || SpanOf(value).Memory is HostMemory) return Output(index);
        float[] buffer = _outputBuffers[index] ??= new float[value.Shape.ElementCount];
        Read(index, buffer);
        return buffer;
    }

    /// <summary>Executes all steps. On a device with a queue of its own it only puts them there: reading an output waits for them.</summary>
    /// <exception cref="InvalidOperationException">Another thread runs it.</exception>
    public void Run()
    {
        _gate.Enter(this);
        try
        {
            foreach (Segment segment in _segments) segment.Run();
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
                if (FindNonFinite(input) is float found) return new NonFinite(input, null, found);
            }

            foreach (Segment segment in _segments)
            {
                for (int i = 0; i < segment.Nodes.Count; i++)
                {
                    segment.RunOne(i);
                    foreach (Value output in segment.Nodes[i].Outputs)
                    {
                        if (FindNonFinite(output) is float found) return new NonFinite(output, segment.Nodes[i], found);
                    }
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
        int steps = 0;
        foreach (Segment segment in _segments) steps += segment.Nodes.Count;
        if (seconds.Length < steps) throw new ArgumentException($"There are {steps} kernels and {seconds.Length} entries for their times.", nameof(seconds));
        _gate.Enter(this);
        try
        {
            Action finish = FinishAll;
            finish();
            int step = 0;
            foreach (Segment segment in _segments)
            {
                for (int i = 0; i < segment.Nodes.Count; i++)
                {
                    seconds[step++] += segment.RunTimed(i, finish);
                }
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
        foreach (InputStage? stage in _stages) stage?.Dispose();
        foreach (Segment segment in _segments) segment.Dispose();
        foreach (DeviceMemory arena in _arenas) arena.Dispose();
        if (_ownsConstants) _constants.Dispose();
    }

    /// <summary>Fails if the last run had other inputs than were sent.</summary>
    private void Confirm()
    {
        foreach (InputStage? stage in _stages) stage?.Confirm();
    }

    private void FinishAll()
    {
        foreach (Device device in _compiled.Places.Devices) device.Finish();
    }

    private float? FindNonFinite(Value value)
    {
        if (value.Constant is TensorData constant) return NonFinite.In(constant);
        MemorySpan span = SpanOf(value);
        return span.Memory!.FindNonFinite(span.Offset, value.StoredType);
    }

    /// <summary>Where a value that is no constant lies.</summary>
    private MemorySpan SpanOf(Value value) =>
        Plan.VariableOf.TryGetValue(value, out Variable? variable)
            ? _variables!.SpanOf(variable)
            : new MemorySpan(_arenas[value.Place], Plan.Offsets[value], value.StoredBytes);

    private Span<float> HostFloats(Value value, MemorySpan span, string operation)
    {
        RequireFloats(value);
        if (span.Memory is not HostMemory memory)
        {
            throw new InvalidOperationException(
                $"'{VisibleText.Of(value.Name)}' is in the memory of the device '{_compiled.Places.NameOf(value.Place)}', which has no spans: use "
                + $"{operation}.");
        }

        return memory.Floats(span.Offset, value.Shape.ElementCount);
    }

    private static void RequireFloats(Value value)
    {
        if (value.Type.DType != DType.F32) throw new InvalidOperationException($"'{VisibleText.Of(value.Name)}' holds {value.Type.DType}, not {DType.F32}.");
    }

    private static void RequireLength(Value value, int length, string name)
    {
        RequireFloats(value);
        if (length != value.Shape.ElementCount)
        {
            throw new ArgumentException($"'{VisibleText.Of(value.Name)}' has {value.Shape.ElementCount} elements, not {length}.", name);
        }
    }
}
