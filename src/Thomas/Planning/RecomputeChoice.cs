using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// Chooses what <see cref="Recompute"/> drops. As long as too much is live at the peak, the value that lies idle there and frees most bytes for the time of computing
/// it again is dropped; one that does not lower the peak is kept. When the arena fits, what turned out to be needless is kept again, the dearest first.
/// </summary>
internal sealed class RecomputeChoice
{
    private readonly Schedule _source;
    private readonly long _bound;
    private readonly HashSet<Value> _rejected = [];
    private State _state;

    private RecomputeChoice(Schedule source, long bound)
    {
        _source = source;
        _bound = bound;
        _state = Apply([])!;
    }

    /// <summary>Drops results until the arena is at most so large, or nothing helps any more.</summary>
    public static Schedule Run(Schedule schedule, long arenaBytes) => new RecomputeChoice(schedule, arenaBytes).Search();

    private Schedule Search()
    {
        while (!Fits(_state))
        {
            if (Best() is not Value value) return _state.Schedule;
            HashSet<Value> dropped = [.. _state.Dropped];
            AddWithOperands(value, dropped);
            if (Apply(dropped) is not State next || !IsLower(next.Live, _state.Live))
            {
                _rejected.Add(value);
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

    /// <summary>The value of most bytes for its time among those that lie idle at the peak; null if there is none.</summary>
    private Value? Best()
    {
        Value? best = null;
        double bestRatio = 0;
        int peak = _state.Live.PeakStep;
        foreach ((Value value, Value copy) in _state.Idle(peak))
        {
            if (_rejected.Contains(value)) continue;
            HashSet<Value> added = [.. _state.Dropped];
            AddWithOperands(value, added);
            double seconds = 0;
            long gain = copy.Type.SizeBytes;
            foreach (Value one in added)
            {
                if (_state.Dropped.Contains(one)) continue;
                seconds += CostModel.Nominal.Seconds(one.Producer!);
                foreach (Value operand in one.Producer!.Inputs)
                {
                    if (!IsKept(operand) && !added.Contains(operand)) gain -= operand.Type.SizeBytes;
                }
            }

            if (gain / seconds <= bestRatio) continue;
            (best, bestRatio) = (value, gain / seconds);
        }

        return best;
    }

    /// <summary>A value needs its operands again: those that are not kept and are no smaller are dropped with it, the others live longer.</summary>
    private void AddWithOperands(Value value, HashSet<Value> dropped)
    {
        if (!dropped.Add(value)) return;
        foreach (Value operand in value.Producer!.Inputs)
        {
            Value origin = Origin(operand);
            if (!IsKept(origin) && origin.Type.SizeBytes >= value.Type.SizeBytes && Recompute.CanDrop(_source.Graph, origin)) AddWithOperands(origin, dropped);
        }
    }

    /// <summary>Whether the value is there in the backward pass anyway.</summary>
    private static bool IsKept(Value value)
    {
        Value origin = Origin(value);
        return origin.Producer is null || HasLaterReader(origin);
    }

    private static bool HasLaterReader(Value value)
    {
        foreach (Node reader in value.Consumers)
        {
            if (reader.Stage != Stage.Forward || (reader.Op.IsView(reader) && HasLaterReader(reader.Output))) return true;
        }

        return false;
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
        foreach (Value value in dearest)
        {
            HashSet<Value> fewer = [.. state.Dropped];
            fewer.Remove(value);
            if (Apply(fewer) is State next && Fits(next)) state = next;
        }

        return state;
    }

    private State? Apply(HashSet<Value> dropped)
    {
        if (Recompute.Run(_source.Graph, dropped, out int[] origins) is not Graph graph) return null;
        long[] workspaces = new long[origins.Length];
        for (int i = 0; i < workspaces.Length; i++) workspaces[i] = _source.WorkspaceBytes[origins[i]];
        Schedule schedule = new(graph, workspaces);
        return new State(_source.Graph, dropped, schedule, schedule.Live(), origins);
    }

    private bool Fits(State state) => state.Live.PeakBytes <= _bound && MemoryPlanner.Plan(state.Schedule.Graph, state.Schedule.WorkspaceBytes).ArenaBytes <= _bound;

    /// <summary>The value whose bytes a reshaped value shows.</summary>
    private static Value Origin(Value value)
    {
        while (value.Producer is Node node && node.Op.IsView(node)) value = node.Inputs[0];
        return value;
    }

    /// <summary>The source graph with some results dropped.</summary>
    private sealed record State(Graph Source, HashSet<Value> Dropped, Schedule Schedule, LiveRanges Live, int[] Origins)
    {
        /// <summary>Forward results, of the source graph and of this one, that can be dropped and that no node around this step touches.</summary>
        public IEnumerable<(Value Value, Value Copy)> Idle(int step)
        {
            int[] lastForward = new int[Live.Ranges.Count], firstLater = new int[lastForward.Length];
            System.Array.Fill(firstLater, int.MaxValue);
            for (int i = 0; i < Origins.Length; i++)
            {
                Node node = Schedule.Graph.Nodes[i];
                foreach (Value value in node.Inputs) Touch(value, node, i);
                foreach (Value value in node.Outputs) Touch(value, node, i);
            }

            for (int i = 0; i < Origins.Length; i++)
            {
                Node node = Schedule.Graph.Nodes[i];
                if (node.Stage != Stage.Forward) continue;
                for (int k = 0; k < node.Outputs.Count; k++)
                {
                    Value value = Source.Nodes[Origins[i]].Outputs[k];
                    int range = Live.RangeOf(node.Outputs[k]);
                    if (range < 0 || Dropped.Contains(value) || !HasLaterReader(value) || !Recompute.CanDrop(Source, value)) continue;
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
