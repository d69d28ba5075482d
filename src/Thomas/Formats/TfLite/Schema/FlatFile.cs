using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Google.FlatBuffers;

namespace Thomas.Formats.TfLite.Schema;

/// <summary>
/// A FlatBuffers file of unknown origin. Tables are read with Google.FlatBuffers, but every offset is checked here first: the verifier of that
/// package keeps vtable positions in 16 bits, so it rejects (and prints about) sound files whose tables lie beyond 32 KiB.
/// </summary>
internal sealed class FlatFile
{
    // FlatBuffers offsets may share and overlap, so a small file can describe endless work: what is read in all is bounded by the file's size.
    private const long SlackElements = 1 << 16;
    private const long VisitsPerByte = 4;
    private const int MaxTextBytes = 4 << 20;
    private const long SlackCopies = 1 << 24;
    private long _textBudget;
    private long _elementBudget;
    private long _copyBudget;

    public FlatFile(ReadOnlyMemory<byte> bytes, string name)
    {
        Name = name;
        Bytes = bytes;
        bool isWholeArray = MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment) && segment.Offset == 0;
        Buffer = new ByteBuffer(isWholeArray ? segment.Array! : bytes.ToArray());
        _textBudget = Math.Min(bytes.Length, MaxTextBytes) + SlackElements;
        _copyBudget = (sizeof(float) * (long)bytes.Length) + SlackCopies;
        _elementBudget = (VisitsPerByte * bytes.Length) + SlackElements;
    }

    /// <summary>Stands for the file in messages.</summary>
    public string Name { get; }

    public ReadOnlyMemory<byte> Bytes { get; }

    public int Length => Bytes.Length;

    public ByteBuffer Buffer { get; }

    /// <summary>The root table.</summary>
    public FlatTable Root(string kind)
    {
        Require(Length >= 8, new FlatPlace("byte", 0), "the file is cut off");
        return TableAt(Follow(0, kind), new FlatPlace(kind));
    }

    public void Require(bool condition, FlatPlace place, string problem)
    {
        if (!condition) throw new ModelFormatException(Name, place.ToString(), problem);
    }

    public void Require(bool condition, FlatPlace place, [InterpolatedStringHandlerArgument(nameof(condition))] ref ProblemText problem)
    {
        if (!condition) throw new ModelFormatException(Name, place.ToString(), problem.ToStringAndClear());
    }

    /// <summary>Whether so many bytes at the position lie inside the file.</summary>
    public bool Holds(long position, long count) => position >= 0 && count >= 0 && position + count <= Length;

    /// <summary>Accounts for elements about to be visited.</summary>
    public void Charge(long elements, FlatPlace place)
    {
        _elementBudget -= elements;
        Require(_elementBudget >= 0, place, "the file refers to more data than it can hold");
    }

    /// <summary>Accounts for memory about to be taken for numbers converted from the file's: as floats, its bytes fill four times its size.</summary>
    public void ChargeCopy(long bytes, FlatPlace place)
    {
        _copyBudget -= bytes;
        Require(_copyBudget >= 0, place, "the file's numbers would take more memory than its size allows");
    }

    /// <summary>Accounts for text about to be decoded.</summary>
    public void ChargeText(long bytes, FlatPlace place)
    {
        _textBudget -= bytes;
        Require(_textBudget >= 0, place, "the file's names are longer than the file");
    }

    /// <summary>The position that the offset stored at a position points to.</summary>
    public int Follow(int position, FlatPlace place)
    {
        Require(Holds(position, sizeof(int)), place, $"an offset at byte {position} lies outside the file");
        long target = position + (long)Buffer.GetUint(position);
        Require(target != position && Holds(target, sizeof(int)), place, $"the offset at byte {position} points outside the file");
        return (int)target;
    }

    /// <summary>The table at a position, its bounds checked.</summary>
    public FlatTable TableAt(int position, FlatPlace place)
    {
        Charge(1, place);
        Require(Holds(position, sizeof(int)), place, $"the table at byte {position} lies outside the file");
        long vtable = position - (long)Buffer.GetInt(position);
        Require(Holds(vtable, 2 * sizeof(ushort)), place, $"the table at byte {position} has no layout");
        int layoutBytes = Buffer.GetUshort((int)vtable), tableBytes = Buffer.GetUshort((int)vtable + sizeof(ushort));

        // The library reads layout sizes as signed 16-bit numbers.
        Require(
            layoutBytes is >= 4 and <= short.MaxValue && tableBytes is >= 4 and <= short.MaxValue && layoutBytes % 2 == 0 && Holds(vtable, layoutBytes)
            && Holds(position, tableBytes),
            place,
            $"the table at byte {position} is not well formed");
        return new FlatTable(this, new Table(position, Buffer), tableBytes, place);
    }

    private int Follow(int position, string kind) => Follow(position, new FlatPlace(kind));
}

/// <summary>Where in a file something stands, for messages; built without allocating.</summary>
/// <param name="Kind">What it is, for example <c>tensor</c>.</param>
/// <param name="Index">Which one; -1 where there is only one.</param>
internal readonly record struct FlatPlace(string Kind, int Index = -1)
{
    public override string ToString() => Index < 0 ? Kind : $"{Kind} {Index}";
}
