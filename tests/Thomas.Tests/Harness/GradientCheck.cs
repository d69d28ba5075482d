using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>
/// Compares the gradients that the operators' rules emit with central differences. All operands are variables, the loss is the dot product of the (first)
/// result with random constants, and both sides run the definitions in double, so that what is left is the error of the rule.
/// </summary>
internal static class GradientCheck
{
    private const double Tolerance = 1e-6;

    /// <summary>Step of the differences: errors of rounding (1e-16 / step) and of curvature (step^2) stay below the tolerance.</summary>
    private const double Step = 1e-6;

    /// <summary>The largest difference of the slopes on both sides of a value that is smooth.</summary>
    private const double Kink = 1e-3;

    /// <summary>How far a value is moved off a kink.</summary>
    private const double Nudge = 2e-3;

    /// <summary>
    /// Elements of each operand that are compared, all of them where there are fewer; in a costly case a few, since no rule depends on the sizes.
    /// </summary>
    private const int Sampled = 24, SampledOfCostly = 6;

    /// <summary>Multiply-adds from which a case is costly.</summary>
    private const long Costly = 100_000;

    /// <summary>Checks every trainable operand of a case, all trained together and each alone.</summary>
    public static void Check(OpCase test)
    {
        // Far from zero, differences drown in rounding; no rule depends on where the operands lie.
        if (test.Low > 100) test = test with { Low = -2, High = 2 };
        Variable[] operands = Operands(test);
        Graph smooth = Loss(test, operands, surrogate: true);
        double[][] values = Array.ConvertAll(OpSweep.Operands(test, withNaN: false), operand => Array.ConvertAll(operand, x => (double)x));
        int trainable = TrainableOperands(test);
        Variable[] trained = operands[..trainable];
        double[][] numeric = Differences(smooth, operands, values, trainable);
        Dictionary<Variable, double[]> together = Gradients(test, operands, values, trained);
        for (int i = 0; i < trainable; i++)
        {
            // Where the derivative is zero, nothing is computed.
            Compare(test, i, numeric[i], together.GetValueOrDefault(operands[i]) ?? new double[values[i].Length]);
            if (trainable > 1) Assert.Equal(together[operands[i]], Gradients(test, operands, values, [operands[i]])[operands[i]]);
        }
    }

    /// <summary>The variables that stand for a case's operands.</summary>
    public static Variable[] Operands(OpCase test)
    {
        Variable[] operands = new Variable[test.Shapes.Length];
        for (int i = 0; i < operands.Length; i++) operands[i] = new Variable($"x{i}", test.Shapes[i], VariableKind.Weight);
        return operands;
    }

    /// <summary>The graph of the loss of one node.</summary>
    /// <param name="test">The node.</param>
    /// <param name="operands">Its operands.</param>
    /// <param name="surrogate">Whether a rounding operator is replaced by the function whose derivative its rule passes on.</param>
    public static Graph Loss(OpCase test, Variable[] operands, bool surrogate = false)
    {
        GraphBuilder builder = new();
        Value[] inputs = Array.ConvertAll(operands, builder.Variable);
        Value result = (surrogate, test.Attributes) switch
        {
            (true, _) when test.Op is Round or Cast => inputs[0],
            (true, FakeQuantizeAttributes a) => ClippedToGrid(builder, inputs[0], a),
            _ => builder.Add(test.Op, inputs, test.Attributes),
        };
        return builder.Build(Dot(builder, result));
    }

    /// <summary>Sum of a value's elements times random numbers. A loss with equal weights would hide errors that cancel, such as those of softmax.</summary>
    public static Value Dot(GraphBuilder builder, Value y)
    {
        Value random = builder.Constant("r", TensorData.FromFloats(y.Shape, TestGraphs.Noise(y.Shape.ElementCount, 101)));
        Value product = builder.Add(OpCatalog.Multiply, [y, random]);
        return builder.Add(OpCatalog.Reduce, [product], new ReduceAttributes(ReduceKind.Sum, Permutation.Identity(y.Shape.Rank), KeepDims: false));
    }

    /// <summary>The gradient of the first output of a graph, by the rules.</summary>
    public static Dictionary<Variable, double[]> Gradients(
        Graph loss, IReadOnlyList<Variable> operands, double[][] values, IReadOnlyCollection<Variable> trained, bool immediate = true)
    {
        List<Variable> order = [];
        Graph graph = Differentiate.Run(
            loss,
            trained,
            (_, parameter, gradient) =>
            {
                order.Add(parameter);
                return [gradient];
            },
            immediate);
        AssertNothingIsComputedInVain(graph);
        DoubleInterpreter interpreter = new(graph);
        for (int i = 0; i < operands.Count; i++) values[i].CopyTo(interpreter[operands[i]]);
        interpreter.Run();
        Dictionary<Variable, double[]> gradients = [];
        for (int i = 0; i < order.Count; i++) gradients.Add(order[i], interpreter[graph.Outputs[loss.Outputs.Count + i]].ToArray());
        return gradients;
    }

    /// <summary>Operands before this one can be trained; the rest is targets, statistics and the like.</summary>
    private static int TrainableOperands(OpCase test) => test.Op switch
    {
        BatchNorm => 3,
        SoftmaxCrossEntropy or Dropout => 1,
        _ => test.Shapes.Length,
    };

    private static Dictionary<Variable, double[]> Gradients(OpCase test, Variable[] operands, double[][] values, Variable[] trained) =>
        Gradients(Loss(test, operands), operands, values, trained);

    /// <summary>A rule that emits something for an operand that needs no gradient leaves nodes that no result reads.</summary>
    private static void AssertNothingIsComputedInVain(Graph graph)
    {
        HashSet<Value> read = [.. graph.Outputs];
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            bool used = false;
            foreach (Value output in node.Outputs) used |= read.Contains(output);
            Expect.True(used || node.Stage != Stage.Backward, $"nobody reads {node}");
            if (used) read.UnionWith(node.Inputs);
        }
    }

    /// <summary>dL/dx by central differences at sampled elements, NaN elsewhere. Values at a kink of the loss are moved off it.</summary>
    private static double[][] Differences(Graph loss, Variable[] operands, double[][] values, int trainable)
    {
        DoubleInterpreter interpreter = new(loss);
        for (int i = 0; i < operands.Length; i++) values[i].CopyTo(Operand(i));
        double[][] result = new double[trainable][];
        bool moved = true;
        for (int round = 0; moved; round++)
        {
            Assert.True(round < 10, "the loss has kinks everywhere");
            moved = false;
            for (int i = 0; i < trainable; i++)
            {
                result[i] = new double[values[i].Length];
                Array.Fill(result[i], double.NaN);
                foreach (int k in Samples(values[i].Length, loss.Cost.MultiplyAdds < Costly ? Sampled : SampledOfCostly))
                    result[i][k] = Difference(i, k, ref moved);
            }
        }

        for (int i = 0; i < operands.Length; i++) Operand(i).CopyTo(values[i]);
        return result;

        Span<double> Operand(int i) => interpreter[operands[i]];

        double LossAt(int i, int k, double x)
        {
            Operand(i)[k] = x;
            interpreter.Run();
            return interpreter[loss.Outputs[0]][0];
        }

        double Difference(int i, int k, ref bool moved)
        {
            double x = Operand(i)[k];
            for (double nudge = Nudge; ; nudge *= 2)
            {
                double left = LossAt(i, k, x - Step), right = LossAt(i, k, x + Step), here = LossAt(i, k, x);
                if (Math.Abs(right - (2 * here) + left) <= Kink * Step) return (right - left) / (2 * Step);
                Expect.True(nudge < 10, $"no smooth place for element {k} of operand {i}");
                x += nudge;
                moved = true;
            }
        }
    }

    private static IEnumerable<int> Samples(int count, int sampled)
    {
        Random random = new(17);
        for (int i = 0; i < Math.Min(count, sampled); i++) yield return count <= sampled ? i : random.Next(count);
    }

    private static void Compare(OpCase test, int operand, double[] numeric, double[] actual)
    {
        double scale = 1;
        foreach (double value in numeric) scale = Math.Max(scale, double.IsNaN(value) ? 0 : Math.Abs(value));
        for (int k = 0; k < numeric.Length; k++)
        {
            if (double.IsNaN(numeric[k])) continue;
            double bound = Tolerance * Math.Max(scale, Math.Abs(actual[k]));
            Expect.True(Math.Abs(actual[k] - numeric[k]) <= bound, $"{test}: dL/d(operand {operand})[{k}] is {actual[k]:R}, differences say {numeric[k]:R}");
        }
    }

    /// <summary>What <see cref="FakeQuantize"/> is with infinitely many steps.</summary>
    private static Value ClippedToGrid(GraphBuilder builder, Value x, FakeQuantizeAttributes a)
    {
        int channels = a.Quantization.Scales.Length;
        float[] low = new float[channels], high = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            low[c] = a.Quantization.Scales[c] * (a.Minimum - 0.5f - a.Quantization.ZeroPoints[c]);
            high[c] = a.Quantization.Scales[c] * (a.Maximum + 0.5f - a.Quantization.ZeroPoints[c]);
        }

        Value bounded = builder.Add(OpCatalog.Maximum, [x, builder.Constant("low", TensorData.FromFloats(new Shape(channels), low))]);
        return builder.Add(OpCatalog.Minimum, [bounded, builder.Constant("high", TensorData.FromFloats(new Shape(channels), high))]);
    }
}
