using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Quantizing;

/// <summary>Runs a network over the calibration images and looks at values inside it.</summary>
/// <param name="images">The images.</param>
/// <param name="compile">Device and threads.</param>
/// <param name="turnBytes">Values are looked at in turns, so that those of one turn take no more memory than this, or are a single one.</param>
/// <param name="progress">Told of each image.</param>
/// <param name="cancellation">Ends the work soon.</param>
internal sealed class Calibration(
    PreparedSet images, CompileOptions compile, long turnBytes, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    /// <summary>The bytes of a turn where nothing bounds them.</summary>
    public const long MostTurnBytes = 512L << 20;

    /// <summary>Takes the numbers of a value for an image.</summary>
    public delegate void Look(int image, Value value, ReadOnlySpan<float> numbers);

    /// <summary>Takes the numbers of an output.</summary>
    public delegate void LookAtOutput(ReadOnlySpan<float> numbers);

    /// <summary>The images.</summary>
    public PreparedSet Images => images;

    /// <summary>Shows the values of a graph for each image.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="values">Values of it that nodes compute.</param>
    /// <param name="stage">Name of the stage for the progress.</param>
    /// <param name="look">Gets them.</param>
    public void Run(Graph graph, IReadOnlyList<Value> values, string stage, Look look)
    {
        List<List<Value>> turns = Turns(values);
        for (int turn = 0; turn < turns.Count; turn++)
        {
            List<Value> watched = turns[turn];
            using Executable executable = Executable.Compile(Showing(graph, watched), 1, compile);
            float[] input = new float[images.InputLength];
            for (int i = 0; i < images.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                images.Fill([i], 0, input);
                executable.Write(0, input);
                executable.Run();
                for (int v = 0; v < watched.Count; v++) look(i, watched[v], executable.Fetch(v));
                progress?.Report(new StageProgress(stage, (turn * images.Count) + i + 1, turns.Count * images.Count));
            }
        }
    }

    /// <summary>Shows the outputs of a graph for some images, one after the other.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="which">The images.</param>
    /// <param name="look">Gets them.</param>
    public void RunSome(Graph graph, ReadOnlySpan<int> which, LookAtOutput look)
    {
        using Executable executable = Executable.Compile(graph, 1, compile);
        float[] input = new float[images.InputLength];
        foreach (int image in which)
        {
            cancellation.ThrowIfCancellationRequested();
            images.Fill([image], 0, input);
            executable.Write(0, input);
            executable.Run();
            for (int i = 0; i < graph.Outputs.Count; i++) look(executable.Fetch(i));
        }
    }

    /// <summary>Tells how far a stage is.</summary>
    public void Report(string stage, int done, int all) => progress?.Report(new StageProgress(stage, done, all));

    private List<List<Value>> Turns(IReadOnlyList<Value> values)
    {
        List<List<Value>> turns = [];
        long bytes = turnBytes;
        foreach (Value value in values)
        {
            if (turns.Count == 0 || bytes + value.StoredBytes > turnBytes)
            {
                turns.Add([]);
                bytes = 0;
            }

            turns[^1].Add(value);
            bytes += value.StoredBytes;
        }

        return turns;
    }

    private static Graph Showing(Graph graph, List<Value> values)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return EliminateDeadNodes.Run(rewriter.Builder.Build(values.ConvertAll(rewriter.Map).ToArray()));
    }
}
