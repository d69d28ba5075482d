using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.Json;
using Thomas.Graphs;
using Thomas.Tests.Formats.PyTorch;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>
/// A network as another repository names its layers, and what PyTorch computed with it: see tests/reference/record_foreign.py, which defines the networks and
/// wrote the file. Weights and input are made by the same formula here and there; the logits are exact (float64).
/// </summary>
internal sealed class ForeignNetwork
{
    private const uint InputSeed = 99991;

    private static readonly Lazy<Dictionary<string, ForeignNetwork>> All = new(Read);

    private ForeignNetwork(string name, JsonElement root)
    {
        Name = name;
        Architecture = root.GetProperty("architecture").GetString()!;
        Width = root.GetProperty("width").GetSingle();
        Size = root.GetProperty("size").GetInt32();
        Channels = root.GetProperty("channels").GetInt32();
        Words = root.GetProperty("words").GetString()!;
        Logits = [.. root.GetProperty("logits").EnumerateArray().Select(value => value.GetDouble())];
        uint[] positions = [.. root.GetProperty("positions").EnumerateArray().Select(value => value.GetUInt32())];
        Tensors = [.. root.GetProperty("tensors").EnumerateArray().Select((tensor, i) => (
            tensor[0].GetString()!, new Shape([.. tensor[1].EnumerateArray().Select(size => size.GetInt32())]), positions[i]))];
    }

    public static TheoryData<string> Names => [.. All.Value.Keys];

    /// <summary>Repository and network.</summary>
    public string Name { get; }

    public string Architecture { get; }

    public float Width { get; }

    public int Size { get; }

    public int Channels { get; }

    /// <summary>The variant that a person must give, since nothing shows it.</summary>
    public string Words { get; }

    public double[] Logits { get; }

    /// <summary>Names, sizes and seeds in the order of the state dict.</summary>
    public (string Name, Shape Shape, uint Seed)[] Tensors { get; }

    public static ForeignNetwork Of(string name) => All.Value[name];

    /// <summary>The state dict with values.</summary>
    public List<NamedTensor> State() => [.. Tensors.Select(tensor => new NamedTensor(
        tensor.Name, "F32", TensorData.FromFloats(tensor.Shape, Values(tensor.Name, tensor.Shape, tensor.Seed))))];

    /// <summary>The weights in the order of the state dict, or sorted by name as safetensors files are.</summary>
    public WeightFile File(bool sorted = false)
    {
        List<NamedTensor> state = State();
        if (sorted) state.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return new WeightFile(Name + ".pth", sorted ? WeightFormat.Safetensors : WeightFormat.PyTorch, state, []);
    }

    /// <summary>The state dict as torch.save writes it, in the format of today or of before PyTorch 1.6.</summary>
    public byte[] TorchBytes(bool legacy = false)
    {
        PickleBuilder pickle = new PickleBuilder().OpenDict();
        List<(string Key, byte[] Bytes, long Count)> storages = [];
        foreach (NamedTensor tensor in State())
        {
            string key = storages.Count.ToString(CultureInfo.InvariantCulture);
            int[] dims = [.. tensor.Shape.Dims];
            long[] sizes = [.. dims.Select(static size => (long)size)], strides = new long[sizes.Length];
            for (int axis = sizes.Length - 1, stride = 1; axis >= 0; stride *= dims[axis--]) strides[axis] = stride;
            pickle.Text(tensor.Name).Tensor("FloatStorage", key, tensor.Shape.ElementCount, 0, sizes, strides, legacy);
            storages.Add((key, tensor.Data.Bytes.ToArray(), tensor.Shape.ElementCount));
        }

        byte[] bytes = pickle.Ops("u").End();
        return legacy
            ? TorchFile.Legacy(bytes, [.. storages])
            : TorchFile.Zip(bytes, [.. storages.Select(static storage => (storage.Key, storage.Bytes))]);
    }

    /// <summary>The input image, NHWC.</summary>
    public float[] Input() => TorchLayout.ToChannelsLast(Noise(Channels * Size * Size, InputSeed), 1, Channels, Size, Size);

    private static float[] Values(string name, Shape shape, uint seed)
    {
        float[] values = Noise(shape.ElementCount, seed);
        bool isVariance = name.EndsWith("running_var", StringComparison.Ordinal), isWeight = name.EndsWith("weight", StringComparison.Ordinal);
        float scale = shape.Rank > 1 ? (float)Math.Sqrt(6 / ((double)shape.ElementCount / shape[0])) : isVariance ? 0.5f : 0.25f;
        float center = shape.Rank == 1 && (isVariance || isWeight) ? 1 : 0;
        for (int i = 0; i < values.Length; i++) values[i] = center + (values[i] * scale);
        return values;
    }

    private static float[] Noise(int count, uint seed)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            uint x = unchecked(((uint)(i + 1) * 2654435761) + ((seed + 1) * 2246822519));
            x ^= x >> 15;
            x = unchecked(x * 2246822519);
            x ^= x >> 13;
            x = unchecked(x * 3266489917);
            x ^= x >> 16;
            values[i] = (float)(((x >> 8) / 8388608.0) - 1);
        }

        return values;
    }

    private static Dictionary<string, ForeignNetwork> Read()
    {
        using Stream file = typeof(ForeignNetwork).Assembly.GetManifestResourceStream("Reference/foreign.json.gz")!;
        using GZipStream stream = new(file, CompressionMode.Decompress);
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.EnumerateObject().ToDictionary(entry => entry.Name, entry => new ForeignNetwork(entry.Name, entry.Value));
    }
}
