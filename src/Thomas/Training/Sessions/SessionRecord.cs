using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Thomas.Training;

/// <summary>What a record of a session's log says. The numbers stand in files.</summary>
internal enum SessionRecordKind : byte
{
    /// <summary>The numbers at which a log that was written anew goes on.</summary>
    Begin = 1,

    /// <summary>An image that was there when the log was written anew.</summary>
    Image = 2,

    /// <summary>An image was added.</summary>
    Add = 3,

    /// <summary>An image was removed.</summary>
    Remove = 4,

    /// <summary>A class was removed.</summary>
    RemoveClass = 5,

    /// <summary>A class was renamed.</summary>
    Rename = 6,

    /// <summary>An image went to another class.</summary>
    Relabel = 7,

    /// <summary>The last change was undone.</summary>
    Undo = 8,

    /// <summary>It was made again.</summary>
    Redo = 9,
}

/// <summary>
/// The contents of the records of a session's log: a byte that tells the kind, then little-endian numbers, names in UTF-8 after their length. docs/sessions.md
/// lists them.
/// </summary>
internal static class SessionRecord
{
    /// <summary>The last change was undone.</summary>
    public static byte[] Undo { get; } = [(byte)SessionRecordKind.Undo];

    /// <summary>It was made again.</summary>
    public static byte[] Redo { get; } = [(byte)SessionRecordKind.Redo];

    /// <summary>The length of the longest record.</summary>
    public static int LongestOf(int features) => 1 + 8 + 4 + 8 + 5 + SessionState.MaximumLabelBytes + (features * sizeof(float));

    /// <summary>The length of an image's record with a name of a few letters.</summary>
    public static int UsualOf(int features) => 1 + 8 + 4 + 8 + 16 + (features * sizeof(float));

    public static byte[] Begin(long nextId, int nextClass) => Write(SessionRecordKind.Begin, 12, writer =>
    {
        writer.Write(nextId);
        writer.Write(nextClass);
    });

    public static byte[] Image(SessionRecordKind kind, SessionImage image, int @class, string label) => Write(kind, UsualOf(image.Features.Length), writer =>
    {
        writer.Write(image.Id);
        writer.Write(@class);
        writer.Write(image.Added.ToUnixTimeMilliseconds());
        writer.Write(label);
        writer.Write(MemoryMarshal.AsBytes(image.Features.AsSpan()));
    });

    public static byte[] Remove(long id) => Write(SessionRecordKind.Remove, 8, writer => writer.Write(id));

    public static byte[] RemoveClass(int id) => Write(SessionRecordKind.RemoveClass, 4, writer => writer.Write(id));

    public static byte[] Rename(int id, string label) => Write(SessionRecordKind.Rename, 64, writer =>
    {
        writer.Write(id);
        writer.Write(label);
    });

    public static byte[] Relabel(long image, SessionClass to) => Write(SessionRecordKind.Relabel, 64, writer =>
    {
        writer.Write(image);
        writer.Write(to.Id);
        writer.Write(to.Label);
    });

    /// <summary>Makes the change that a record tells of.</summary>
    /// <exception cref="InvalidDataException">It does not fit the state, or is none that was ever written.</exception>
    public static void Apply(byte[] record, SessionState state, int features)
    {
        using BinaryReader reader = new(new MemoryStream(record), Encoding.UTF8);
        try
        {
            SessionRecordKind kind = (SessionRecordKind)reader.ReadByte();
            switch (kind)
            {
                case SessionRecordKind.Begin:
                    state.Begin(reader.ReadInt64(), reader.ReadInt32());
                    break;
                case SessionRecordKind.Image:
                    if (state.CanUndo || state.CanRedo) throw new InvalidDataException("an initial image comes after later changes");
                    state.Insert(ReadImage(reader, state, features));
                    break;
                case SessionRecordKind.Add:
                    state.Do(new SessionChange.Add(ReadImage(reader, state, features)));
                    break;
                case SessionRecordKind.Remove:
                    state.Do(new SessionChange.Remove(ReadOld(reader, state)));
                    break;
                case SessionRecordKind.RemoveClass:
                    state.Do(new SessionChange.RemoveClass(state, ReadOldClass(reader, state)));
                    break;
                case SessionRecordKind.Rename:
                    SessionClass renamed = ReadOldClass(reader, state);
                    state.Do(new SessionChange.Rename(renamed, ReadNewLabel(reader, state)));
                    break;
                case SessionRecordKind.Relabel:
                    SessionImage moved = ReadOld(reader, state);
                    state.Do(new SessionChange.Relabel(moved, ReadClass(reader.ReadInt32(), reader, state)));
                    break;
                case SessionRecordKind.Undo:
                    state.Undo();
                    break;
                case SessionRecordKind.Redo:
                    state.Redo();
                    break;
                default:
                    throw new InvalidDataException($"it is of kind {(int)kind}, which this program does not know");
            }

            if (reader.BaseStream.Position != record.Length) throw new InvalidDataException("it is too long");
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("it is too short", e);
        }
        catch (Exception e) when (e is FormatException or IOException)
        {
            throw new InvalidDataException("the length of a name is invalid", e);
        }
    }

    private static byte[] Write(SessionRecordKind kind, int bytes, Action<BinaryWriter> write)
    {
        using MemoryStream stream = new(bytes + 1);
        using BinaryWriter writer = new(stream, Encoding.UTF8);
        writer.Write((byte)kind);
        write(writer);
        writer.Flush();
        return stream.ToArray();
    }

    private static SessionImage ReadImage(BinaryReader reader, SessionState state, int features)
    {
        long id = reader.ReadInt64();
        int @class = reader.ReadInt32();
        long added = reader.ReadInt64();
        long earliest = DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        if (added < earliest || added > latest) throw new InvalidDataException("its time is invalid");
        SessionClass owner = ReadClass(@class, reader, state);
        float[] values = new float[features];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        foreach (float value in values)
        {
            if (!float.IsFinite(value)) throw new InvalidDataException("a feature is not finite");
        }

        return new SessionImage(id, owner, DateTimeOffset.FromUnixTimeMilliseconds(added), values);
    }

    private static SessionImage ReadOld(BinaryReader reader, SessionState state)
    {
        long id = reader.ReadInt64();
        return state.Find(id) ?? throw new InvalidDataException($"there is no image {id}");
    }

    private static SessionClass ReadOldClass(BinaryReader reader, SessionState state)
    {
        int id = reader.ReadInt32();
        return state.FindClass(id) ?? throw new InvalidDataException($"there is no class {id}");
    }

    /// <summary>The class of a number, which is made if there is none.</summary>
    private static SessionClass ReadClass(int id, BinaryReader reader, SessionState state)
    {
        if (id < 0) throw new InvalidDataException($"a class has the number {id}");
        if (state.FindClass(id) is not SessionClass known) return new SessionClass(id, ReadNewLabel(reader, state));
        return reader.ReadString() == known.Label ? known : throw new InvalidDataException($"class {id} has two names");
    }

    private static string ReadNewLabel(BinaryReader reader, SessionState state)
    {
        string label = reader.ReadString();
        if (SessionLabel.Problem(label) is string problem) throw new InvalidDataException(problem);
        return state.FindClass(label) is null ? label : throw new InvalidDataException($"the class '{label}' occurs twice");
    }
}

/// <summary>What can be the name of a class.</summary>
internal static class SessionLabel
{
    /// <summary>What is wrong with a name; null if nothing is.</summary>
    public static string? Problem(string label)
    {
        if (string.IsNullOrWhiteSpace(label)) return "the name of a class is empty";
        if (Encoding.UTF8.GetByteCount(label) > SessionState.MaximumLabelBytes)
        {
            return $"the name of a class is longer than {SessionState.MaximumLabelBytes} bytes";
        }

        foreach (char c in label)
        {
            if (char.IsControl(c))
            {
                return $"the name '{label}' of a class contains a control character, such as a line break; model files store one label per line";
            }
        }

        return null;
    }
}
