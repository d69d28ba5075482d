using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using Thomas.Graphs;

namespace Thomas.Tests.Harness;

/// <summary>
/// What PyTorch computed when it trained a small network: see tests/reference/record_pytorch.py, which defines the networks and wrote the files.
/// </summary>
/// <remarks>
/// To compare a trainer with it: build the network; give each of <see cref="Tensors"/> the values of <see cref="Initial"/>; feed <see cref="Input"/>; the loss
/// is the mean cross-entropy of the logits with <see cref="Labels"/>; batch norms are live (statistics of the batch), there is no dropout. Then compare logits
/// and loss, each gradient with <see cref="GradientError"/>, and twenty steps with <see cref="Sgd"/> and <see cref="AdamW"/>, each from the initial values
/// anew.
/// <para>
/// Names and layouts are PyTorch's: activations NCHW, filters [cOut, cIn / groups, kH, kW], dense weights [outputs, inputs] with inputs flattened from [c, h,
/// w].
/// <see cref="TorchLayout"/> converts; gradients must be converted back before they are compared. The networks: <c>lenet5</c> (fc1 follows a flatten of
/// 50x4x4),
/// <c>mobilenet-v2</c> of width 0.35 and <c>squeezenet</c> 1.1 with torchvision's names, and <c>alexnet-like</c>: features.0, 4, 8, 10 and 12 are convolutions,
/// groups 2 in 4, 10 and 12; ReLU behind each; LRN of size 5 (PyTorch divides its alpha, 1, by the size; Thomas' alpha is 1/5; beta 0.75, k 2) and a 3x3 pool
/// of stride 2 behind 0 and 4, such a pool behind 12; classifier.0 follows a flatten of 32x2x3.
/// </para>
/// <para>
/// Everything is exact (float64) for the given float32 numbers, so differences are the other side's alone. <see cref="Float32GradientError"/> and
/// <see cref="TorchRun.Float32Loss"/> tell how far PyTorch itself is off in float32.
/// </para>
/// </remarks>
internal sealed class TorchReference
{
    private const uint CoarseSeed = 10001, FineSeed = 11001, ProjectionSeed = 20001;
    private const int Block = 16;

    private readonly Dictionary<string, int> _positions = [];
    private readonly Dictionary<string, TorchSummary> _gradients = [];
    private readonly uint _seed;
    private readonly int[][] _labels;
    private readonly uint[] _inputCrc32;
    private readonly double _gradientNorm;

    private TorchReference(JsonElement root)
    {
        Net = root.GetProperty("net").GetString()!;
        Classes = root.GetProperty("classes").GetInt32();
        _seed = root.GetProperty("seed").GetUInt32();
        InputShape = ShapeOf(root.GetProperty("inputShape"));
        _labels = List(root.GetProperty("labels"), batch => List(batch, label => label.GetInt32()));
        _inputCrc32 = List(root.GetProperty("inputs"), input => input.GetProperty("crc32").GetUInt32());
        Tensors = List(root.GetProperty("tensors"), t => new TorchTensor(
            t.GetProperty("name").GetString()!, ShapeOf(t.GetProperty("shape")), t.GetProperty("trained").GetBoolean(), t.GetProperty("crc32").GetUInt32()));
        for (int i = 0; i < Tensors.Count; i++) _positions.Add(Tensors[i].Name, i);

        Loss = root.GetProperty("loss").GetDouble();
        Logits = Doubles(root.GetProperty("logits"));
        Float32GradientError = root.GetProperty("float32GradientError").GetDouble();
        ZeroGradients = List(root.GetProperty("zeroGradients"), name => name.GetString()!);
        foreach (JsonProperty gradient in root.GetProperty("gradients").EnumerateObject())
        {
            _gradients.Add(gradient.Name, SummaryOf(gradient.Value, ProjectionSeed + (uint)_positions[gradient.Name]));
            _gradientNorm += Math.Pow(_gradients[gradient.Name].Norm, 2);
        }

        _gradientNorm = Math.Sqrt(_gradientNorm);
        Sgd = RunOf(root.GetProperty("runs").GetProperty("sgd"));
        AdamW = RunOf(root.GetProperty("runs").GetProperty("adamw"));
    }

    /// <summary>The recorded networks.</summary>
    public static IReadOnlyList<string> Nets { get; } = ["lenet5", "mobilenet-v2", "squeezenet", "alexnet-like"];

    /// <summary>Name of the network.</summary>
    public string Net { get; }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Shape of a batch, NCHW.</summary>
    public Shape InputShape { get; }

    /// <summary>Number of different batches; step s trains with batch s modulo this.</summary>
    public int Batches => _labels.Length;

    /// <summary>Parameters and running statistics in the order of their names.</summary>
    public IReadOnlyList<TorchTensor> Tensors { get; }

    /// <summary>Loss of batch 0 before any step.</summary>
    public double Loss { get; }

    /// <summary>Logits [n, classes] of batch 0 before any step.</summary>
    public double[] Logits { get; }

    /// <summary>
    /// Largest over all tensors: norm of the error of PyTorch's float32 gradient, by the norm of the gradient. <see cref="ZeroGradients"/> are left out.
    /// </summary>
    public double Float32GradientError { get; }

    /// <summary>Shifts that another batch norm takes out again: their gradient is zero but for rounding.</summary>
    public IReadOnlyList<string> ZeroGradients { get; }

    /// <summary>SGD: g += 1e-4 * w for every parameter, v = 0.9 * v + g from v = 0, w -= rate * v.</summary>
    public TorchRun Sgd { get; }

    /// <summary>
    /// AdamW: w *= 1 - rate * 0.01 for every parameter, then Adam with betas 0.9 and 0.999, bias correction, and epsilon 1e-5 added to the root of the second
    /// moment.
    /// </summary>
    public TorchRun AdamW { get; }

    /// <summary>Loads a record.</summary>
    /// <param name="net">One of <see cref="Nets"/>.</param>
    public static TorchReference Load(string net)
    {
        using Stream stream = typeof(TorchReference).Assembly.GetManifestResourceStream($"Reference/{net}.json")
            ?? throw new ArgumentException($"There is no record of '{net}'.", nameof(net));
        using JsonDocument document = JsonDocument.Parse(stream);
        return new TorchReference(document.RootElement);
    }

    /// <summary>First value of a tensor, in PyTorch's layout.</summary>
    public float[] Initial(string name)
    {
        TorchTensor tensor = Tensors[_positions[name]];
        float[] values = new float[tensor.Shape.ElementCount];
        if (name.EndsWith(".running_mean", StringComparison.Ordinal)) return values;
        if (name.EndsWith(".running_var", StringComparison.Ordinal))
        {
            Array.Fill(values, 1);
            return values;
        }

        float center = 0, factor = 0.25f;
        if (tensor.Shape.Rank > 1)
        {
            int fanIn = tensor.Shape.ElementCount / tensor.Shape[0];
            factor = (float)Math.Sqrt(6.0 / fanIn);
        }
        else if (_positions.ContainsKey(name[..(name.LastIndexOf('.') + 1)] + "running_mean"))
        {
            center = name.EndsWith(".weight", StringComparison.Ordinal) ? 0.75f : 3;
        }
        else
        {
            center = 0.25f;
        }

        float[] noise = TestGraphs.Noise(values.Length, _seed + (uint)_positions[name]);
        for (int i = 0; i < values.Length; i++) values[i] = center + (factor * noise[i]);
        return values;
    }

    /// <summary>Images of a batch, NCHW: blocks of 16x16 pixels of even color, and grain.</summary>
    public float[] Input(int batch)
    {
        int planes = InputShape[0] * InputShape[1], h = InputShape[2], w = InputShape[3];
        int blocksHigh = (h + Block - 1) / Block, blocksWide = (w + Block - 1) / Block;
        float[] blocks = TestGraphs.Noise(planes * blocksHigh * blocksWide, CoarseSeed + (uint)batch);
        float[] values = TestGraphs.Noise(planes * h * w, FineSeed + (uint)batch);
        for (int i = 0; i < values.Length; i++)
        {
            int x = i % w, y = i / w % h, plane = i / (w * h);
            values[i] = blocks[(((plane * blocksHigh) + (y / Block)) * blocksWide) + (x / Block)] + (0.25f * values[i]);
        }

        return values;
    }

    /// <summary>CRC-32 of <see cref="Input"/> as little-endian float32.</summary>
    public uint InputCrc32(int batch) => _inputCrc32[batch];

    /// <summary>Classes of a batch's images.</summary>
    public int[] Labels(int batch) => _labels[batch];

    /// <summary>How far a gradient of batch 0 before any step is off.</summary>
    /// <param name="name">Name of the parameter.</param>
    /// <param name="gradient">The gradient in PyTorch's layout.</param>
    /// <returns>
    /// <see cref="TorchSummary.RelativeError"/>; for <see cref="ZeroGradients"/> the norm of <paramref name="gradient"/> by that of the gradient of all
    /// parameters together.
    /// </returns>
    public double GradientError(string name, ReadOnlySpan<float> gradient)
    {
        int expected = Tensors[_positions[name]].Shape.ElementCount;
        if (gradient.Length != expected) throw new ArgumentException($"'{name}' has {expected} elements, not {gradient.Length}.", nameof(gradient));
        if (_gradients.TryGetValue(name, out TorchSummary? summary)) return summary.RelativeError(gradient);

        double squares = 0;
        foreach (float value in gradient) squares += (double)value * value;
        return Math.Sqrt(squares) / _gradientNorm;
    }

    private static TorchSummary SummaryOf(JsonElement gradient, uint projectionSeed) => new(
        gradient.GetProperty("norm").GetDouble(),
        gradient.TryGetProperty("stride", out JsonElement stride) ? stride.GetInt32() : 1,
        Doubles(gradient.GetProperty("values")),
        gradient.TryGetProperty("projection", out JsonElement projection) ? projection.GetDouble() : null,
        projectionSeed);

    private static TorchRun RunOf(JsonElement run)
    {
        Dictionary<string, double> norms = [];
        foreach (JsonProperty norm in run.GetProperty("parameterNorm").EnumerateObject()) norms.Add(norm.Name, norm.Value.GetDouble());
        Dictionary<string, double[]> running = [];
        foreach (JsonProperty statistic in run.GetProperty("running").EnumerateObject()) running.Add(statistic.Name, Doubles(statistic.Value));
        return new TorchRun(
            run.GetProperty("optimizer").GetString()!,
            run.GetProperty("rate").GetDouble(),
            Doubles(run.GetProperty("loss")),
            Doubles(run.GetProperty("float32Loss")),
            norms,
            running);
    }

    private static Shape ShapeOf(JsonElement dims) => new(List(dims, dim => dim.GetInt32()));

    private static double[] Doubles(JsonElement array) => List(array, value => value.GetDouble());

    private static T[] List<T>(JsonElement array, Func<JsonElement, T> read)
    {
        T[] items = new T[array.GetArrayLength()];
        int count = 0;
        foreach (JsonElement item in array.EnumerateArray()) items[count++] = read(item);
        return items;
    }
}
