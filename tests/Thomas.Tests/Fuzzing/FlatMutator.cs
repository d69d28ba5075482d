using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;

namespace Thomas.Tests.Fuzzing;

/// <summary>Changes the tensors and operators of a <c>.tflite</c> file before they are serialized, so that every offset in it is right.</summary>
internal static class FlatMutator
{
    public static byte[] Mutate(Random random, Model model)
    {
        FileGraph graph = GraphEmitter.Emit(model);
        for (int i = random.Next(1, 4); i > 0; i--) Change(random, graph);
        List<KeyValuePair<string, byte[]>> metadata = [
            .. MetadataSerializer.Entries(
                model.Info, model.Info.Labels is { Count: > 0 } ? ClassOutput.Find(model) : null, graph.Inputs.Count, graph.Outputs.Count)];
        if (metadata.Count > 0 && random.Next(4) == 0)
        {
            int at = random.Next(metadata.Count);
            metadata[at] = new(
                Mutation.Text(random, metadata[at].Key, []).Replace("\ud800", "?", StringComparison.Ordinal), Mutation.Bytes(random, metadata[at].Value));
        }

        using MemoryStream stream = new();
        FileSerializer.Write(graph, metadata, stream);
        return random.Next(10) == 0 ? Mutation.Bytes(random, stream.ToArray()) : stream.ToArray();
    }

    private static void Change(Random random, FileGraph graph)
    {
        switch (random.Next(8))
        {
            case 0: Mutation.Order(random, graph.Operators, static call => call); break;
            case 1: Mutation.Order(random, random.Next(2) == 0 ? graph.Inputs : graph.Outputs, static index => index); break;
            case 2: (random.Next(2) == 0 ? graph.Inputs : graph.Outputs).Add(random.Next(-2, graph.Tensors.Count + 2)); break;
            case <= 4 when graph.Tensors.Count > 0:
                int tensor = random.Next(graph.Tensors.Count);
                graph.Tensors[tensor] = Changed(random, graph.Tensors[tensor], graph.Tensors[random.Next(graph.Tensors.Count)]);
                break;
            default:
                if (graph.Operators.Count == 0) break;
                int call = random.Next(graph.Operators.Count);
                graph.Operators[call] = Changed(random, graph.Operators[call], graph);
                break;
        }
    }

    private static FileTensor Changed(Random random, FileTensor tensor, FileTensor other)
    {
        switch (random.Next(8))
        {
            case 0: return tensor with { Type = (TfLiteType)random.Next(0, 20) };
            case 1: return tensor with { Dims = Numbers(random, tensor.Dims) };
            case 2: return tensor with { Dims = other.Dims };
            case 3: return tensor with { Data = Mutation.Bytes(random, tensor.Data.ToArray()) };
            case 4: return tensor with { Data = other.Data, Dims = other.Dims };
            case 5: return tensor with { Name = other.Name };
            case 6: return tensor with { BatchIsOpen = tensor.Dims.Length > 0 && !tensor.BatchIsOpen };
            default:
                int channels = random.Next(3) == 0 && tensor.Dims.Length > 0 && tensor.Dims[^1] is > 0 and < 4096 ? tensor.Dims[^1] : random.Next(1, 4);
                float[] scales = [
                    .. Enumerable.Range(0, channels).Select(
                        _ => (float)Math.Abs(Mutation.Real(random, 0.1)) is var scale && scale > 0 && float.IsFinite(scale) ? scale : 0.1f)];
                int[] zeros = [.. Enumerable.Range(0, channels).Select(_ => random.Next(-200, 300))];
                return tensor with
                {
                    Type = random.Next(2) == 0 ? TfLiteType.INT8 : TfLiteType.UINT8,
                    Grid = new Quantization(scales, zeros, random.Next(0, 4)),
                };
        }
    }

    private static FileOperator Changed(Random random, FileOperator call, FileGraph graph)
    {
        switch (random.Next(7))
        {
            case 0: return call with { Code = (BuiltinOperator)random.Next(0, 160) };
            case 1: return call with { Code = graph.Operators[random.Next(graph.Operators.Count)].Code };
            case 2: return call with { Version = random.Next(0, 8) };
            case 3: return call with { Options = graph.Operators[random.Next(graph.Operators.Count)].Options };
            case 4: return call with { Options = Options(random) };
            case 5: return call with { Inputs = Indices(random, call.Inputs, graph.Tensors.Count) };
            default: return call with { Outputs = Indices(random, call.Outputs, graph.Tensors.Count) };
        }
    }

    private static OptionsTable Options(Random random)
    {
        BuiltinOptions[] types = Enum.GetValues<BuiltinOptions>();
        OptionsTable table = new(types[random.Next(types.Length)]);
        for (int field = 0; field < 9; field++)
        {
            _ = random.Next(5) switch
            {
                0 => table.Byte(field, (byte)random.Next(0, 9)),
                1 => table.Int(field, (int)Mutation.Number(random, 1)),
                2 => table.Float(field, (float)Mutation.Real(random, 1)),
                3 => table.Bool(field, random.Next(2) == 0),
                _ => table,
            };
        }

        return table;
    }

    private static int[] Numbers(Random random, int[] old)
    {
        List<int> numbers = [.. old];
        if (numbers.Count == 0 || random.Next(4) == 0)
        {
            numbers.Insert(random.Next(numbers.Count + 1), random.Next(1, 5));
            return [.. numbers];
        }

        if (random.Next(3) == 0) Mutation.Order(random, numbers, static number => number);
        else numbers[random.Next(numbers.Count)] = (int)Mutation.Number(random, numbers[random.Next(numbers.Count)]);
        return [.. numbers];
    }

    private static int[] Indices(Random random, int[] old, int tensors)
    {
        List<int> indices = [.. old];
        if (indices.Count == 0 || random.Next(4) == 0) indices.Add(random.Next(-2, tensors + 1));
        else if (random.Next(3) == 0) Mutation.Order(random, indices, static index => index);
        else indices[random.Next(indices.Count)] = random.Next(-1, tensors + 1);
        return [.. indices];
    }
}
