using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.Win32.SafeHandles;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// A second version of some variables of a store: a state to go back to, or the best weights so far. In memory of the host, where it outlives a device that
/// fails, or in a temporary file where memory is short.
/// </summary>
internal sealed class StoreCopy : IDisposable
{
    private const int PieceBytes = 1 << 16;

    private readonly Variable[] _variables;
    private readonly long[] _offsets;
    private readonly Arena? _memory;
    private readonly SafeFileHandle? _file;
    private readonly bool _isDouble;
    private VariableStore _store;
    private long _start;

    /// <param name="store">The store.</param>
    /// <param name="variables">Which of its variables are copied.</param>
    /// <param name="onDisk">Whether the copy lies in a temporary file, which is gone when the process ends.</param>
    /// <exception cref="OutputException">The file cannot be created.</exception>
    public StoreCopy(VariableStore store, IReadOnlyList<Variable> variables, bool onDisk = false)
    {
        _store = store;
        _variables = [.. variables];
        _offsets = new long[_variables.Length];
        SizeBytes = 0;
        for (int i = 0; i < _variables.Length; i++)
        {
            _offsets[i] = SizeBytes;
            SizeBytes += _variables[i].Type.SizeBytes;
        }

        // A device may fail between two variables: what was copied before stays whole until all of what comes next is here.
        _isDouble = store.Device is not (null or HostDevice);
        if (onDisk) _file = CreateFile();
        else _memory = new Arena(AllBytes);
    }

    /// <summary>Takes bytes of a copy, piece by piece.</summary>
    public delegate void Receiver(ReadOnlySpan<byte> piece);

    private delegate void Filler(Span<byte> piece);

    /// <summary>The variables, in the order of their memory.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>Bytes of all of them, without gaps.</summary>
    public long SizeBytes { get; }

    /// <summary>Bytes of memory that the copy takes.</summary>
    public long MemoryBytes => _memory is null ? 0 : AllBytes;

    private long AllBytes => _isDouble ? 2 * SizeBytes : SizeBytes;

    /// <summary>Makes it a copy of the variables of the same names in another store; what it holds stays as it is.</summary>
    public void Attach(VariableStore store)
    {
        Dictionary<string, Variable> byName = new(StringComparer.Ordinal);
        foreach (Variable variable in store.Variables) byName.Add(variable.Name, variable);
        for (int i = 0; i < _variables.Length; i++) _variables[i] = byName[_variables[i].Name];
        _store = store;
    }

    /// <summary>Copies the store's present contents. If that fails, the contents are those of the last time.</summary>
    public void Take()
    {
        long start = _isDouble ? SizeBytes - _start : 0;
        for (int i = 0; i < _variables.Length; i++)
        {
            MemorySpan stored = _store.SpanOf(_variables[i]);
            if (_memory is null) TakeToFile(stored, start + _offsets[i]);
            else stored.CopyTo(new MemorySpan(_memory, start + _offsets[i], stored.Bytes));
        }

        _start = start;
    }

    /// <summary>Puts the copied contents into the store.</summary>
    public void Restore()
    {
        for (int i = 0; i < _variables.Length; i++)
        {
            MemorySpan stored = _store.SpanOf(_variables[i]);
            if (_memory is null) RestoreFromFile(stored, _start + _offsets[i]);
            else new MemorySpan(_memory, _start + _offsets[i], stored.Bytes).CopyTo(stored);
        }
    }

    /// <summary>Passes on the bytes of the copy of a variable, by its number among <see cref="Variables"/>.</summary>
    public void Send(int index, Receiver receive)
    {
        if (_memory is not null)
        {
            SendPieces(new MemorySpan(_memory, _start + _offsets[index], _variables[index].Type.SizeBytes), receive);
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0, size = _variables[index].Type.SizeBytes; at < size; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, size - at));
            ReadFile(bytes, _start + _offsets[index] + at);
            receive(bytes);
        }
    }

    /// <summary>Fills the copy of a variable with the next bytes of a stream.</summary>
    public void Load(int index, Stream stream)
    {
        if (_memory is not null)
        {
            FillPieces(new MemorySpan(_memory, _start + _offsets[index], _variables[index].Type.SizeBytes), stream.ReadExactly);
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0, size = _variables[index].Type.SizeBytes; at < size; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, size - at));
            stream.ReadExactly(bytes);
            WriteFile(bytes, _start + _offsets[index] + at);
        }
    }

    /// <summary>Frees the memory, or deletes the file.</summary>
    public void Dispose()
    {
        _memory?.Dispose();
        _file?.Dispose();
    }

    private SafeFileHandle CreateFile()
    {
        string path = Path.Combine(Path.GetTempPath(), $"thomas-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
        try
        {
            SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose, AllBytes);

            // An open file needs no name there, and without one nothing is left if the process is killed. Windows sees to that itself.
            if (!OperatingSystem.IsWindows()) TemporaryFile.TryDelete(path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(
                $"With a memory bound, the rollback state is kept in a temporary file of {ByteSize.Format(AllBytes)}, which cannot be created: "
                + $"{e.Message} Free some disk space, or set TMPDIR to a folder with enough.", e);
        }
    }

    private void TakeToFile(MemorySpan stored, long offset) => SendPieces(stored, piece =>
    {
        WriteFile(piece, offset);
        offset += piece.Length;
    });

    private void RestoreFromFile(MemorySpan stored, long offset) => FillPieces(stored, piece =>
    {
        ReadFile(piece, offset);
        offset += piece.Length;
    });

    private void WriteFile(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(_file!, bytes, offset);
        }
        catch (IOException e)
        {
            throw new OutputException($"The temporary file with the rollback state cannot be written: {e.Message}", e);
        }
    }

    private void ReadFile(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(_file!, bytes, offset);
            if (count == 0) throw new OutputException("The temporary file with the rollback state was cut short by another program.");
            bytes = bytes[count..];
            offset += count;
        }
    }

    /// <summary>Passes on bytes of a device: those of the host as they lie, others in pieces.</summary>
    private static void SendPieces(MemorySpan source, Receiver receive)
    {
        if (source.Memory is HostMemory host)
        {
            receive(host.Span(source.Offset, checked((int)source.Bytes)));
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0; at < source.Bytes; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, source.Bytes - at));
            source.Memory!.Read(source.Offset + at, bytes);
            receive(bytes);
        }
    }

    /// <summary>Fills bytes of a device: those of the host where they lie, others in pieces.</summary>
    private static void FillPieces(MemorySpan target, Filler fill)
    {
        if (target.Memory is HostMemory host)
        {
            fill(host.Span(target.Offset, checked((int)target.Bytes)));
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0; at < target.Bytes; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, target.Bytes - at));
            fill(bytes);
            target.Memory!.Write(target.Offset + at, bytes);
        }
    }
}
