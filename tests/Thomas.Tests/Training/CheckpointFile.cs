using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Nodes;

namespace Thomas.Tests.Training;

/// <summary>Checkpoints as another version would have written them.</summary>
internal static class CheckpointFile
{
    /// <summary>Changes the header of a checkpoint; the tensors stay, the checksum is right again.</summary>
    public static void Edit(string path, Action<JsonObject> change)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = BitConverter.ToInt32(bytes, 12), start = (16 + length + 63) / 64 * 64;
        JsonObject json = JsonNode.Parse(Encoding.UTF8.GetString(bytes, 16, length))!.AsObject();
        change(json);
        byte[] text = Encoding.UTF8.GetBytes(json.ToJsonString());
        using MemoryStream file = new();
        file.Write(bytes.AsSpan(0, 12));
        file.Write(BitConverter.GetBytes(text.Length));
        file.Write(text);
        file.Write(new byte[((file.Length + 63) / 64 * 64) - file.Length]);
        file.Write(bytes.AsSpan(start..^16));
        byte[] hash = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(hash, XxHash128.HashToUInt128(file.ToArray()));
        file.Write(hash);
        File.WriteAllBytes(path, file.ToArray());
    }
}
