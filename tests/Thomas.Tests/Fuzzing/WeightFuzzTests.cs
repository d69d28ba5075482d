using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO.Compression;
using System.Text;
using Thomas.Tests.Formats.PyTorch;
using Thomas.Tests.Formats.Safetensors;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>Weight files whose container and checksums are right and whose contents are not.</summary>
public sealed class WeightFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Changed_safetensors_files_are_refused_or_read()
    {
        byte[] file = SafetensorsFile.Of(("conv.weight", [2, 3, 1, 1], TestGraphs.Noise(6, 1)), ("conv.bias", [2], [1, 2]), ("x", [], [3]));
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        string header = Encoding.UTF8.GetString(file, 8, length);
        byte[] data = file[(8 + length)..];
        new Fuzzer("safetensors", output).Run(
            random => SafetensorsFile.Of(Mutation.Json(random, header), random.Next(4) == 0 ? Mutation.Bytes(random, data) : data),
            changed => WeightFile.Load(changed, "fuzzed.safetensors", integers: true));
    }

    [Theory]
    [InlineData("pth")]
    [InlineData("old pth")]
    public void Changed_pytorch_files_are_refused_or_read(string name)
    {
        List<byte[]> pickle = Opcodes(TorchFile.SampleState(legacy: name == "old pth"));
        new Fuzzer(name, output).Run(
            random => Torch(random, [.. pickle], name == "old pth"), changed => WeightFile.Load(changed, "fuzzed.pth", integers: true));
    }

    private static byte[] Torch(Random random, List<byte[]> opcodes, bool legacy)
    {
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(opcodes.Count);
            if (random.Next(2) == 0 && opcodes[at].Length > 1) opcodes[at] = [opcodes[at][0], .. Argument(random, opcodes[at][1..])];
            else if (random.Next(6) == 0) opcodes[at] = [(byte)random.Next(0x28, 0x99)];
            else Mutation.Order(random, opcodes, static opcode => opcode);
        }

        List<byte> pickle = [];
        foreach (byte[] opcode in opcodes) pickle.AddRange(opcode);
        (string Key, byte[] Bytes)[] storages = [.. TorchFile.SampleStorages];
        if (random.Next(5) == 0) storages[random.Next(storages.Length)].Bytes = Mutation.Bytes(random, storages[random.Next(storages.Length)].Bytes);
        if (!legacy)
        {
            return TorchFile.Zip(
                [.. pickle], storages, random.Next(20) == 0 ? "big" : "little",
                random.Next(3) == 0 ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
        }

        return TorchFile.Legacy([.. pickle], [("1", storages[1].Bytes, Mutate(4)), ("0", storages[0].Bytes, Mutate(6)), ("2", storages[2].Bytes, Mutate(1))]);

        long Mutate(long count) => random.Next(8) == 0 ? Mutation.Number(random, count) : count;
    }

    /// <summary>A length that stays right, or an argument that may not.</summary>
    private static byte[] Argument(Random random, byte[] old)
    {
        byte[] changed = [.. old];
        changed[random.Next(changed.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : random.Next(0, 8));
        return changed;
    }

    /// <summary>A pickle cut into its opcodes with their arguments.</summary>
    private static List<byte[]> Opcodes(byte[] pickle)
    {
        List<byte[]> opcodes = [];
        for (int at = 0; at < pickle.Length;)
        {
            int length = pickle[at] switch
            {
                0x80 or (byte)'K' or (byte)'q' or (byte)'h' => 2,
                (byte)'M' => 3,
                (byte)'J' or (byte)'r' or (byte)'j' => 5,
                (byte)'G' => 9,
                0x8a => 2 + pickle[at + 1],
                (byte)'X' => 5 + BitConverter.ToInt32(pickle, at + 1),
                (byte)'c' => Array.IndexOf(pickle, (byte)'\n', Array.IndexOf(pickle, (byte)'\n', at) + 1) + 1 - at,
                _ => 1,
            };
            opcodes.Add(pickle[at..(at + length)]);
            at += length;
        }

        return opcodes;
    }
}
