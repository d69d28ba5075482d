using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// Chooses what <see cref="Recompute"/> drops. As long as too much is live at the peak, the value that lies idle there and frees most bytes for the time of
/// computing it again is dropped; one that does not lower the peak is kept. When the arena fits, what turned out to be needless is kept again, the dearest
/// first.
/// </summary>
internal sealed class RecomputeChoice
{
    /// <summary>
    /// Nodes that the search may look at, in all its attempts: a second or so. What a graph of more than that needs is decided for several values at once. A
    /// graph of more than <see cref="LargeGraph"/> nodes gets less, since its other passes take long enough.
    /// </summary>
    private const long Work = 400_000;

    private const double LargeGraph = 2_000;

    /// <summary>Attempts that a graph of any size gets.</summary>
    private const int LeastAttempts = 4;

    private readonly Schedule _source;
    private readonly long _bound;
    private readonly DType? _keptAs;
    private readonly HashSet<Value> _rejected = [];
    private readonly Value[] _origins;
    private readonly bool[] _hasLaterReader;
    private readonly List<(Value Value, Value Maximum)> _maxima = [];
    private readonly int _together;
    private int _attemptsLeft = int.MaxValue;
    private State _state;

    private RecomputeChoice(Schedule source, long bound, DType? keptAs)
    {
        (_source, _bound, _keptAs) = (source, bound, keptAs);
        _origins = Views.Origins(source.Graph);
        _hasLaterReader = LaterReaders(source.Graph);
        if (keptAs is not null) FindMaxima();
        double nodes = System.Math.Max(1, source.Graph.Nodes.Count);
        int candidates = 0, attempts = (int)System.Math.Max(LeastAttempts, Work / nodes * System.Math.Min(1, LargeGraph / nodes));
        foreach (Value value in source.Graph.Values) candidates += _hasLaterReader[value.Id] && Recompute.CanDrop(source.Graph, value) ? 1 : 0;
        _together = 1 + (candidates / attempts);
        if (_together > 1) _attemptsLeft = 2 * attempts;
        _state = Apply([])!;
    }

    /// <summary>Drops results until the arena is at most so large, or nothing helps any more.</summary>
    /// <param name="schedule">The step.</param>
    /// <param name="arenaBytes">The bound.</param>
    /// <param name="keptAs">The type that <see cref="KeptHalves"/> will give to what is kept; null where it will not run.</param>
    public static Schedule Run(Schedule schedule, long arenaBytes, DType? keptAs = null) => new RecomputeChoice(schedule, arenaBytes, keptAs).Search();

    private Schedule Search()
    {
        while (!Fits(_state))
        {
            List<Value> best = Best();
            if (best.Count == 0 || _attemptsLeft-- == 0) return _state.Schedule;
            HashSet<Value> dropped = [.. _state.Dropped];
            foreach (Value value in best) AddWithOperands(value, dropped, null);
            if (Apply(dropped) is not State next || !IsLower(next.Live, _state.Live))
            {
                _rejected.UnionWith(best);
                continue;
            }

            _state = next;
            _rejected.Clear();
        }

        return Prune(_state).Schedule;
    }

    private static bool IsLower(LiveRanges next, LiveRanges now)
    {
        if (next.PeakBytes != now.PeakBytes) return next.PeakBytes < now.PeakBytes;
        int before = 0, after = 0;
        foreach (long bytes in now.LiveBytes) before += bytes == now.PeakBytes ? 1 : 0;
        foreach (long bytes in next.LiveBytes) after += bytes == now.PeakBytes ? 1 : 0;
        return after < before;
    }

    /// <summary>
    /// The value of most bytes for its time among those that lie idle at the peak, or the best few of them in a very large graph; none if there are none.
    /// </summary>
    private List<Value> Best()
    {
        List<(Value Value, double Ratio)> found = [];
        int peak = _state.Live.PeakStep;
        HashSet<Value> added = [];
        foreach ((Value value, Value copy) in _state.Idle(peak, _hasLaterReader))
        {
            if (_rejected.Contains(value) || !CanDrop(value)) continue;
            added.Clear();
            AddWithOperands(value, added, _state.Dropped);
            double seconds = 0;
            long gain = copy.StoredBytes;
            foreach (Value one in added)
            {
                seconds += _source.Places.Seconds(one.Producer!);
                foreach (Value operand in one.Producer!.Inputs)
                {
                    if (IsKept(operand) || added.Contains(operand) || _state.Dropped.Contains(operand)) continue;
                    gain -= _keptAs is null ? operand.StoredBytes : operand.StoredBytes / 2;
                }
            }

            double ratio = gain / seconds;
            if (ratio <= 0) continue;
            if (_together > 1 || found.Count == 0) found.Add((value, ratio));
            else if (ratio > found[0].Ratio) found[0] = (value, ratio);
        }

        // The order of equals does not depend on how the list is sorted.
        if (_together > 1) found.Sort(static (a, b) => a.Ratio != b.Ratio ? b.Ratio.CompareTo(a.Ratio) : a.Value.Id.CompareTo(b.Value.Id));
        List<Value> best = [];
        for (int i = 0; i < found.Count && i < _together; i++) best.Add(found[i].Value);
        return best;
    }

    /// <summary>A value needs its operands again: those that are not kept and are no smaller are dropped with it, the others live longer.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dropped">Receives it and them.</param>
    /// <param name="already">What is dropped besides; null for nothing.</param>
    private void AddWithOperands(Value value, HashSet<Value> dropped, HashSet<Value>? already)
    {
        Stack<Value> left = new([value]);
        while (left.TryPop(out Value? next))
        {
            if (already?.Contains(next) == true || !dropped.Add(next)) continue;
            foreach ((Value Value, Value Maximum) pair in _maxima)
            {
                if (pair.Value == next) left.Push(pair.Maximum);
            }

            IReadOnlyList<Value> operands = next.Producer!.Inputs;
            for (int i = operands.Count - 1; i >= 0; i--)
            {
                Value origin = _origins[operands[i].Id];
                if (!IsKept(origin) && origin.StoredBytes >= next.StoredBytes && CanDrop(origin)) left.Push(origin);
            }
        }
    }

    /// <summary>
    /// What is computed again from numbers that were kept in 16 bits is not quite what it was: where a maximum is looked for in it, that must be the maximum of
    /// the same numbers.
    /// </summary>
    private void FindMaxima()
    {
        foreach (Node node in _source.Graph.Nodes)
        {
            if (KeptHalves.ReadsMaximum(node)) _maxima.Add((_origins[node.Inputs[0].Id], _origins[node.Inputs[1].Id]));
        }
    }

    /// <summary>Whether a result can be dropped, with its maxima if there are any.</summary>
    private bool CanDrop(Value value)
    {
        foreach ((Value larger, Value maximum) in _maxima)
        {
            if (larger == value && !Recompute.CanDrop(_source.Graph, maximum)) return false;
        }

        return Recompute.CanDrop(_source.Graph, value);
    }

    private bool HoldsMaxima(HashSet<Value> dropped)
    {
        foreach ((Value value, Value maximum) in _maxima)
        {
            if (dropped.Contains(value) && !dropped.Contains(maximum)) return false;
        }

        return true;
    }

    /// <summary>Whether the value is there in the backward pass anyway.</summary>
    private bool IsKept(Value value)
    {
        Value origin = _origins[value.Id];
        return origin.Producer is null || _hasLaterReader[origin.Id];
    }

    /// <summary>For each value whether something after the forward pass reads it, or a view of it.</summary>
    private static bool[] LaterReaders(Graph graph)
    {
        bool[] later = new bool[graph.Values.Count];
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            bool reads = node.Stage != Stage.Forward || (node.Op.IsView(node) && later[node.Output.Id]);
            if (!reads) continue;
            foreach (Value input in node.Inputs) later[input.Id] = true;
        }

        return later;
    }

    /// <summary>Keeps values again that the bound does not need dropped.</summary>
    private State Prune(State state)
    {
        List<Value> dearest = [.. state.Dropped];
        dearest.Sort(static (a, b) =>
        {
            int order = CostModel.Nominal.Seconds(b.Producer!).CompareTo(CostModel.Nominal.Seconds(a.Producer!));
            return order != 0 ? order : a.Id.CompareTo(b.Id);
        });
        for (int i = 0; i < dearest.Count; i += _together)
        {
            HashSet<Value> fewer = [.. state.Dropped];
            for (int k = i; k < dearest.Count && k < i + _together; k++) fewer.Remove(dearest[k]);
            if (!HoldsMaxima(fewer)) continue;
            if (Apply(fewer) is State next && Fits(next)) state = next;
        }

        return state;
    }

    private State? Apply(HashSet<Value> dropped)
    {
        if (Recompute.Run(_source.Graph, dropped, out int[] origins) is not Graph graph) return null;
        Schedule schedule = _source.With(graph, origins);
        if (_keptAs is not DType type)
        {
            return new State(_source.Graph, dropped, schedule, schedule, schedule.Live(), System.Array.ConvertAll(origins, static o => new KeptNode(o, -1)));
        }

        Schedule whole = KeptHalves.Run(schedule, type, out IReadOnlyList<KeptNode> nodes);
        KeptNode[] sources = new KeptNode[nodes.Count];
        for (int i = 0; i < sources.Length; i++) sources[i] = nodes[i].Source < 0 ? nodes[i] : nodes[i] with { Source = origins[nodes[i].Source] };
        return new State(_source.Graph, dropped, schedule, whole, whole.Live(), sources);
    }

    private bool Fits(State state) => state.Live.PeakBytes <= _bound && MemoryPlanner.Plan(state.Whole).ArenaBytes <= _bound;

    /// <summary>The source graph with some results dropped.</summary>
    /// <param name="Source">That graph.</param>
    /// <param name="Dropped">The results.</param>
    /// <param name="Schedule">The step without them.</param>
    /// <param name="Whole">The same with conversions of what is kept, where it is kept in another type.</param>
    /// <param name="Live">What is live in that.</param>
    /// <param name="Nodes">What its nodes stand for in the source graph.</param>
    private sealed record State(Graph Source, HashSet<Value> Dropped, Schedule Schedule, Schedule Whole, LiveRanges Live, KeptNode[] Nodes)
    {
        /// <summary>Forward results, of the source graph and of this one, that can be dropped and that no node around this step touches.</summary>
        /// <param name="step">The step.</param>
        /// <param name="hasLaterReader">For each value of the source graph whether it is read after the forward pass.</param>
        public IEnumerable<(Value Value, Value Copy)> Idle(int step, bool[] hasLaterReader)
        {
            int[] lastForward = new int[Live.Ranges.Count], firstLater = new int[lastForward.Length];
            System.Array.Fill(firstLater, int.MaxValue);
            for (int i = 0; i < Nodes.Length; i++)
            {
                Node node = Whole.Graph.Nodes[i];
                foreach (Value value in node.Inputs) Touch(value, node, i);
                foreach (Value value in node.Outputs) Touch(value, node, i);
            }

            for (int i = 0; i < Nodes.Length; i++)
            {
                Node node = Whole.Graph.Nodes[i];
                if (node.Stage != Stage.Forward) continue;
                for (int k = 0; k < node.Outputs.Count; k++)
                {
                    Value value = Source.Nodes[Nodes[i].Source].Outputs[Nodes[i].Output < 0 ? k : Nodes[i].Output];
                    int range = Live.RangeOf(node.Outputs[k]);
                    if (range < 0 || Dropped.Contains(value) || !hasLaterReader[value.Id] || !Recompute.CanDrop(Source, value)) continue;
                    if (lastForward[range] < step && step < firstLater[range] && firstLater[range] < int.MaxValue) yield return (value, node.Outputs[k]);
                }
            }

            void Touch(Value value, Node node, int at)
            {
                int range = Live.RangeOf(value);
                if (range < 0) return;
                if (node.Stage == Stage.Forward) lastForward[range] = at;
                else if (firstLater[range] == int.MaxValue) firstLater[range] = at;
            }
        }
    }
}
