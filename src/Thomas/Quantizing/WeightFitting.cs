using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>Rounds the layers of a network by what they read: see <see cref="LayerRounding"/>.</summary>
internal sealed class WeightFitting(Graph graph, GridPlan plan, Func<Value, FakeQuantizeAttributes> gridOf, Calibration calibration, QuantizerOptions options)
{
    /// <summary>Windows with more inputs are rounded weight by weight: their covariances would take too long.</summary>
    private const int MostInputs = 2048;

    /// <summary>Layers are looked at in turns, so that the covariances of one turn take no more memory than this.</summary>
    private const long BytesPerTurn = 256L << 20;

    /// <summary>The layers that were not on a grid before.</summary>
    public Dictionary<Node, RoundedLayer> Run(CancellationToken cancellation)
    {
        Dictionary<Node, RoundedLayer> rounded = [];
        List<LinearNode> turn = [];
        long bytes = 0;
        foreach (Node node in graph.Nodes)
        {
            if (!GridInsertion.IsRounded(plan, node, out LinearNode layer) || GridInsertion.IsKept(layer)) continue;
            long own = InputMoments.BytesFor(layer, MostInputs);
            if (bytes + own > BytesPerTurn && turn.Count > 0)
            {
                Round(turn, rounded, cancellation);
                turn.Clear();
                bytes = 0;
            }

            turn.Add(layer);
            bytes += own;
        }

        if (turn.Count > 0) Round(turn, rounded, cancellation);
        return rounded;
    }

    private void Round(List<LinearNode> layers, Dictionary<Node, RoundedLayer> rounded, CancellationToken cancellation)
    {
        int threads = options.Compile.Threads;
        Dictionary<Value, List<InputMoments>> readers = [];
        List<Value> values = [];
        List<InputMoments> moments = [];
        foreach (LinearNode layer in layers)
        {
            Value x = layer.Node.Inputs[0];
            moments.Add(new InputMoments(layer, MostInputs));
            if (!readers.TryGetValue(x, out List<InputMoments>? list))
            {
                readers.Add(x, list = []);
                if (!x.IsInput) values.Add(x);
            }

            list.Add(moments[^1]);
        }

        calibration.Run(graph, values, "weights", (image, value, numbers) => Take(readers[value], image, numbers));
        foreach (Value input in graph.Inputs)
        {
            if (!readers.TryGetValue(input, out List<InputMoments>? own)) continue;
            float[] numbers = new float[calibration.Images.InputLength];
            for (int i = 0; i < calibration.Images.Count; i++)
            {
                calibration.Images.Fill([i], 0, numbers);
                Take(own, i, numbers);
            }
        }

        for (int i = 0; i < layers.Count; i++)
        {
            Node node = layers[i].Node;
            float inputScale = gridOf(node.Inputs[0]).Quantization.Scales[0];
            rounded.Add(
                node, LayerRounding.Run(layers[i], moments[i], node.Op is not Dense, inputScale, options.CorrectBiases, threads, cancellation));
            calibration.Report("round", i + 1, layers.Count);
        }

        void Take(List<InputMoments> all, int image, ReadOnlySpan<float> numbers)
        {
            foreach (InputMoments one in all) one.Add(image, numbers, threads);
        }
    }
}
