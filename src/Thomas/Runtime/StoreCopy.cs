using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>A second version of some variables of a store: a state to go back to, or the best weights so far. In memory, or in a temporary file where memory is short.</summary>
internal sealed unsafe class StoreCopy : IDisposable
{
    private const int PieceBytes = 1 << 16;

    private readonly VariableStore _store;
    private readonly Variable[] _variables;
    private readonly long[] _offsets;
    private readonly Arena? _arena;
    private readonly SafeFileHandle? _file;

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

        if (onDisk) _file = CreateFile();
        else _arena = new Arena(SizeBytes);
    }

    /// <summary>Takes bytes of a copy, piece by piece.</summary>
    public delegate void Receiver(ReadOnlySpan<byte> piece);

    /// <summary>The variables, in the order of their memory.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>Bytes of all of them, without gaps.</summary>
    public long SizeBytes { get; }

    /// <summary>Bytes of memory that the copy takes.</summary>
    public long MemoryBytes => _arena is null ? 0 : SizeBytes;

    /// <summary>Copies the store's present contents.</summary>
    public void Take()
    {
        for (int i = 0; i < _variables.Length; i++)
        {
            Span<byte> stored = MemoryMarshal.AsBytes(_store[_variables[i]]);
            if (_file is null) stored.CopyTo(Memory(i));
            else WriteFile(stored, _offsets[i]);
        }
    }

    /// <summary>Puts the copied contents into the store.</summary>
    public void Restore()
    {
        for (int i = 0; i < _variables.Length; i++)
        {
            Span<byte> stored = MemoryMarshal.AsBytes(_store[_variables[i]]);
            if (_file is null) Memory(i).CopyTo(stored);
            else ReadFile(stored, _offsets[i]);
        }
    }

    /// <summary>Passes on the bytes of the copy of a variable, by its number among <see cref="Variables"/>.</summary>
    public void Send(int index, Receiver receive)
    {
        if (_file is null)
        {
            receive(Memory(index));
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0, size = _variables[index].Type.SizeBytes; at < size; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, size - at));
            ReadFile(bytes, _offsets[index] + at);
            receive(bytes);
        }
    }

    /// <summary>Fills the copy of a variable with the next bytes of a stream.</summary>
    public void Load(int index, Stream stream)
    {
        if (_file is null)
        {
            stream.ReadExactly(Memory(index));
            return;
        }

        byte[] piece = new byte[PieceBytes];
        for (long at = 0, size = _variables[index].Type.SizeBytes; at < size; at += PieceBytes)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(PieceBytes, size - at));
            stream.ReadExactly(bytes);
            WriteFile(bytes, _offsets[index] + at);
        }
    }

    /// <summary>Frees the memory, or deletes the file.</summary>
    public void Dispose()
    {
        _arena?.Dispose();
        _file?.Dispose();
    }

    private SafeFileHandle CreateFile()
    {
        string path = Path.Combine(Path.GetTempPath(), $"thomas-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
        try
        {
            SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose, SizeBytes);

            // An open file needs no name there, and without one nothing is left if the process is killed. Windows sees to that itself.
            if (!OperatingSystem.IsWindows()) TemporaryFile.TryDelete(path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(
                $"Under a memory bound the state to go back to is kept in a temporary file of {ByteSize.Format(SizeBytes)}, which cannot be created: {e.Message} Free some space, or set TMPDIR to a folder that has it.", e);
        }
    }

    private void WriteFile(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(_file!, bytes, offset);
        }
        catch (IOException e)
        {
            throw new OutputException($"The temporary file with the state to go back to cannot be written: {e.Message}", e);
        }
    }

    private void ReadFile(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(_file!, bytes, offset);
            if (count == 0) throw new OutputException("The temporary file with the state to go back to was cut short by another program.");
            bytes = bytes[count..];
            offset += count;
        }
    }

    private Span<byte> Memory(int index)
    {
        ObjectDisposedException.ThrowIf(_arena!.Pointer == null, this);
        return new Span<byte>(_arena.Pointer + _offsets[index], checked((int)_variables[index].Type.SizeBytes));
    }
}
