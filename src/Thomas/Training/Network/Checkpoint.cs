using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;
using System.Text.Json;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Files that training can be resumed from. Layout, little-endian: 8 bytes of magic, major and minor version (int16 each), length of the header (int32); the
/// header in JSON; zeros up to a multiple of 64; the tensors; 128-bit XXH3 of everything before. Written whole or not at all. A file of a newer minor version
/// is read, what is unknown in it is skipped; one of another major version is refused.
/// </summary>
internal static class Checkpoint
{
    /// <summary>Section of the variables at the position of the checkpoint.</summary>
    public const string State = "state";

    /// <summary>Section of the best weights so far.</summary>
    public const string Best = "best";

    /// <summary>Version of the format: readers of the same major version can read it.</summary>
    public const short Major = 1, Minor = 0;

    private const ulong Magic = 0x5450_4B43_4D4F_4854; // "THOMCKPT"
    private const int FixedBytes = 16, HashBytes = 16, Alignment = 64, MaxHeaderBytes = 1 << 28;

    /// <summary>Writes a checkpoint in place of the former one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="header">All but the list of tensors.</param>
    /// <param name="sections">The tensors by section.</param>
    /// <param name="wrap">Stands between this and the file, for tests; null for none.</param>
    /// <exception cref="OutputException">The file cannot be written; the former one is still there.</exception>
    public static void Write(string path, CheckpointHeader header, IReadOnlyList<(string Name, StoreCopy Copy)> sections, Func<Stream, Stream>? wrap = null)
    {
        List<CheckpointTensor> tensors = [];
        long offset = 0;
        foreach ((string section, StoreCopy copy) in sections)
        {
            foreach (Variable variable in copy.Variables)
            {
                tensors.Add(
                    new CheckpointTensor(
                        section, variable.Name, variable.Kind.ToString(), variable.Shape.Dims.ToArray(), offset, variable.Type.DType.ToString()));
                offset += variable.Type.SizeBytes;
            }
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header with { Tensors = tensors }, CheckpointJson.Default.CheckpointHeader);
        AtomicFile.Write(path, file => WriteTo(wrap?.Invoke(file) ?? file, json, sections));
    }

    /// <summary>Opens a checkpoint and checks all of it.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Its header, and the open file for <see cref="Read"/>, which the caller disposes.</returns>
    /// <exception cref="ThomasException">The file cannot be read, is no checkpoint, is damaged, or is of another major version.</exception>
    public static (CheckpointHeader Header, FileStream File) Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = InputFile.Open(path);
            return (Check(file, path), file);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                throw new ThomasException($"Cannot read the checkpoint '{path}': {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Whether a file begins like a checkpoint, of whatever version.</summary>
    /// <exception cref="ThomasException">The file cannot be read.</exception>
    public static bool IsCheckpoint(string path)
    {
        try
        {
            byte[] head = InputFile.ReadStart(path, sizeof(ulong));
            return head.Length == sizeof(ulong) && BinaryPrimitives.ReadUInt64LittleEndian(head) == Magic;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ThomasException($"Cannot read the checkpoint '{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads a section into a copy of the same variables.</summary>
    /// <exception cref="ThomasException">The file has other tensors.</exception>
    public static void Read(FileStream file, CheckpointHeader header, string section, StoreCopy copy)
    {
        Dictionary<string, CheckpointTensor> tensors = new(StringComparer.Ordinal);
        foreach (CheckpointTensor tensor in header.Tensors)
        {
            if (tensor.Section == section) tensors[tensor.Name] = tensor;
        }

        if (tensors.Count > copy.Variables.Count)
        {
            throw new ThomasException($"The checkpoint '{file.Name}' has {tensors.Count} tensors ({section}), this run trains {copy.Variables.Count}.");
        }

        file.Position = FixedBytes - sizeof(int);
        Span<byte> length = stackalloc byte[sizeof(int)];
        file.ReadExactly(length);
        long start = TensorsOffset(BinaryPrimitives.ReadInt32LittleEndian(length));
        for (int i = 0; i < copy.Variables.Count; i++)
        {
            Variable variable = copy.Variables[i];
            if (!tensors.TryGetValue(variable.Name, out CheckpointTensor? tensor))
            {
                throw new ThomasException($"The checkpoint '{file.Name}' has no tensor '{variable.Name}' ({section}).");
            }

            if (!variable.Shape.Dims.SequenceEqual(tensor.Shape))
            {
                throw new ThomasException(
                    $"The checkpoint '{file.Name}': '{variable.Name}' has the shape [{string.Join(',', tensor.Shape)}], here it is {variable.Shape}.");
            }

            if ((tensor.Type ?? nameof(DType.F32)) != variable.Type.DType.ToString())
            {
                throw new ThomasException(
                    $"The checkpoint '{file.Name}': '{variable.Name}' holds {VisibleText.Of(tensor.Type!)}, here it is {variable.Type.DType}.");
            }

            if (tensor.Offset < 0 || tensor.Offset > file.Length - start - HashBytes - variable.Type.SizeBytes)
            {
                throw Damaged(file.Name, $"'{variable.Name}' lies outside the file");
            }

            file.Position = start + tensor.Offset;
            copy.Load(i, file);
        }
    }

    private static void WriteTo(Stream stream, ReadOnlySpan<byte> json, IReadOnlyList<(string Name, StoreCopy Copy)> sections)
    {
        byte[] head = new byte[TensorsOffset(json.Length)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, Magic);
        BinaryPrimitives.WriteInt16LittleEndian(head.AsSpan(8), Major);
        BinaryPrimitives.WriteInt16LittleEndian(head.AsSpan(10), Minor);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), json.Length);
        json.CopyTo(head.AsSpan(FixedBytes));
        XxHash128 hash = new();
        Append(head);
        foreach ((_, StoreCopy copy) in sections)
        {
            for (int i = 0; i < copy.Variables.Count; i++) copy.Send(i, Append);
        }

        Span<byte> sum = stackalloc byte[HashBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(sum, hash.GetCurrentHashAsUInt128());
        stream.Write(sum);
        stream.Flush();

        void Append(ReadOnlySpan<byte> bytes)
        {
            hash.Append(bytes);
            stream.Write(bytes);
        }
    }

    private static CheckpointHeader Check(FileStream file, string path)
    {
        Span<byte> head = stackalloc byte[FixedBytes];
        if (file.ReadAtLeast(head, FixedBytes, throwOnEndOfStream: false) < FixedBytes || BinaryPrimitives.ReadUInt64LittleEndian(head) != Magic)
        {
            throw new ThomasException($"'{path}' is not a Thomas checkpoint.");
        }

        short major = BinaryPrimitives.ReadInt16LittleEndian(head[8..]), minor = BinaryPrimitives.ReadInt16LittleEndian(head[10..]);
        if (major != Major)
        {
            throw new ThomasException(
                $"The checkpoint '{path}' has format version {major}.{minor}; this program reads version {Major}. Resume with the program that wrote it, "
                + $"or start again.");
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(head[12..]);
        if (length < 0 || length > MaxHeaderBytes || TensorsOffset(length) + HashBytes > file.Length) throw Damaged(path, "it is cut off");
        if (!HashHolds(file)) throw Damaged(path, "its checksum is wrong");
        byte[] json = new byte[length];
        file.Position = FixedBytes;
        file.ReadExactly(json);
        try
        {
            CheckpointHeader header = JsonSerializer.Deserialize(json, CheckpointJson.Default.CheckpointHeader) ?? throw Damaged(path, "its header is empty");
            return header.Problem() is string problem ? throw Damaged(path, problem) : header;
        }
        catch (JsonException e)
        {
            throw Damaged(path, $"its header cannot be read ({e.Message})", e);
        }
    }

    private static bool HashHolds(FileStream file)
    {
        XxHash128 hash = new();
        byte[] buffer = new byte[1 << 16];
        file.Position = 0;
        for (long left = file.Length - HashBytes; left > 0;)
        {
            int count = (int)Math.Min(left, buffer.Length);
            file.ReadExactly(buffer, 0, count);
            hash.Append(buffer.AsSpan(0, count));
            left -= count;
        }

        file.ReadExactly(buffer, 0, HashBytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(buffer) == hash.GetCurrentHashAsUInt128();
    }

    private static ThomasException Damaged(string path, string how, Exception? cause = null) =>
        new($"The checkpoint '{path}' is damaged: {how}. Delete it to start again.", cause);

    private static int TensorsOffset(int headerBytes) => (FixedBytes + headerBytes + Alignment - 1) / Alignment * Alignment;
}
