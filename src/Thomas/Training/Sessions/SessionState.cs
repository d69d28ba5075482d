using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;

namespace Thomas.Training;

/// <summary>A class of a session. It is listed while it has images; changes that may be undone remember it longer.</summary>
internal sealed class SessionClass(int id, string label)
{
    public int Id { get; } = id;

    public string Label { get; set; } = label;

    public int Images { get; set; }
}

/// <summary>An image of a session: its features, which never change, and its class.</summary>
internal sealed class SessionImage(long id, SessionClass @class, DateTimeOffset added, float[] features)
{
    public long Id { get; } = id;

    public SessionClass Class { get; set; } = @class;

    public DateTimeOffset Added { get; } = added;

    public float[] Features { get; } = features;
}

/// <summary>
/// The images and classes of a session and what may be undone, as its log tells them: the same changes in the same order give the same state. Not safe for
/// several threads.
/// </summary>
internal sealed class SessionState
{
    /// <summary>Changes that can be undone; removed images are held so long.</summary>
    public const int UndoDepth = 100;

    /// <summary>Classes that a session has room for.</summary>
    public const int MaximumClasses = 1000;

    /// <summary>Bytes of a class name in UTF-8.</summary>
    public const int MaximumLabelBytes = 1024;

    private readonly List<SessionImage> _images = [];
    private readonly List<SessionClass> _classes = [];
    private readonly List<SessionChange> _undo = [], _redo = [];

    /// <summary>By id.</summary>
    public IReadOnlyList<SessionImage> Images => _images;

    /// <summary>Those with images, in the order in which they were made.</summary>
    public IReadOnlyList<SessionClass> Classes => _classes;

    public bool CanUndo => _undo.Count > 0;

    public bool CanRedo => _redo.Count > 0;

    /// <summary>The id of the next image.</summary>
    public long NextId { get; private set; } = 1;

    /// <summary>The id of the next class.</summary>
    public int NextClass { get; private set; }

    /// <summary>Tells sets of images and their classes apart, whatever order they came in.</summary>
    public UInt128 Fingerprint { get; private set; }

    /// <summary>Images that are there or may come back.</summary>
    public long HeldImages
    {
        get
        {
            long held = _images.Count;
            foreach (SessionChange change in _undo) held += change.Removes;
            foreach (SessionChange change in _redo) held += change.Adds;
            return held;
        }
    }

    /// <summary>Ids of the images that are there or may come back.</summary>
    public HashSet<long> HeldIds()
    {
        HashSet<long> ids = [];
        foreach (SessionImage image in _images) ids.Add(image.Id);
        foreach (SessionChange change in _undo) change.AddIdsTo(ids);
        foreach (SessionChange change in _redo) change.AddIdsTo(ids);
        return ids;
    }

    /// <summary>The image of an id; null if there is none.</summary>
    public SessionImage? Find(long id) => IndexOf(id) is int index && index >= 0 ? _images[index] : null;

    /// <summary>The class of a name; null if there is none.</summary>
    public SessionClass? FindClass(string label) => _classes.Find(c => c.Label == label);

    /// <summary>The class of an id; null if there is none with images.</summary>
    public SessionClass? FindClass(int id) => _classes.Find(c => c.Id == id);

    /// <summary>Makes a change, which can be undone.</summary>
    public void Do(SessionChange change)
    {
        change.Do(this);
        _redo.Clear();
        Push(change);
    }

    /// <summary>Takes the last change back.</summary>
    public void Undo()
    {
        if (!CanUndo) throw new InvalidDataException("there is nothing to undo");
        SessionChange change = _undo[^1];
        _undo.RemoveAt(_undo.Count - 1);
        change.Revert(this);
        _redo.Add(change);
    }

    /// <summary>Makes the change again that was undone last.</summary>
    public void Redo()
    {
        if (!CanRedo) throw new InvalidDataException("there is nothing to redo");
        SessionChange change = _redo[^1];
        _redo.RemoveAt(_redo.Count - 1);
        change.Do(this);
        Push(change);
    }

    /// <summary>Sets where numbers go on, in a log that was written anew.</summary>
    public void Begin(long nextId, int nextClass)
    {
        if (_images.Count > 0 || _undo.Count > 0 || nextId < 1 || nextClass < 0) throw new InvalidDataException("its initial state is not at the beginning");
        (NextId, NextClass) = (nextId, nextClass);
    }

    /// <summary>Puts in an image.</summary>
    public void Insert(SessionImage image)
    {
        int index = IndexOf(image.Id);
        if (index >= 0 || image.Id < 1) throw new InvalidDataException($"image {image.Id} occurs twice");
        _images.Insert(~index, image);
        NextId = Math.Max(NextId, image.Id + 1);
        Enter(image, image.Class);
    }

    /// <summary>Takes out an image.</summary>
    public void Remove(SessionImage image)
    {
        int index = IndexOf(image.Id);
        if (index < 0) throw new InvalidDataException($"there is no image {image.Id}");
        _images.RemoveAt(index);
        Leave(image);
    }

    /// <summary>Takes out all images of a class.</summary>
    public void Remove(SessionClass @class)
    {
        foreach (SessionImage image in _images)
        {
            if (image.Class == @class) Leave(image);
        }

        _images.RemoveAll(image => image.Class == @class);
    }

    /// <summary>Moves an image to another class.</summary>
    public void Move(SessionImage image, SessionClass to)
    {
        Leave(image);
        image.Class = to;
        Enter(image, to);
    }

    /// <summary>
    /// What a new log must hold to give this state: the images before the first change that can be undone, with their classes then, and the records of the
    /// changes since.
    /// </summary>
    public (IReadOnlyList<(SessionImage Image, int Class, string Label)> Before, IReadOnlyList<byte[]> Changes) ToRecords()
    {
        int done = _undo.Count, undone = _redo.Count;
        for (int i = 0; i < done; i++) Undo();
        List<(SessionImage, int, string)> before = new(_images.Count);
        List<byte[]> changes = new(done + (2 * undone));
        foreach (SessionImage image in _images) before.Add((image, image.Class.Id, image.Class.Label));
        for (int i = 0; i < done + undone; i++)
        {
            changes.Add(_redo[^1].ToRecord());
            Redo();
        }

        for (int i = 0; i < undone; i++)
        {
            changes.Add(SessionRecord.Undo);
            Undo();
        }

        return (before, changes);
    }

    private static UInt128 HashOf(SessionImage image)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, image.Id);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], image.Class.Id);
        return XxHash128.HashToUInt128(bytes);
    }

    private void Push(SessionChange change)
    {
        if (_undo.Count == UndoDepth) _undo.RemoveAt(0);
        _undo.Add(change);
    }

    private void Enter(SessionImage image, SessionClass @class)
    {
        Fingerprint += HashOf(image);
        if (@class.Images++ > 0) return;
        int place = _classes.FindIndex(c => c.Id >= @class.Id);
        if (place < 0) place = _classes.Count;
        else if (_classes[place].Id == @class.Id) throw new InvalidDataException($"class {@class.Id} occurs twice");
        _classes.Insert(place, @class);
        NextClass = Math.Max(NextClass, @class.Id + 1);
    }

    private void Leave(SessionImage image)
    {
        Fingerprint -= HashOf(image);
        if (--image.Class.Images == 0) _classes.Remove(image.Class);
    }

    /// <summary>The place of an image, or the complement of where it would be.</summary>
    private int IndexOf(long id)
    {
        int low = 0, high = _images.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_images[middle].Id < id) low = middle + 1;
            else high = middle;
        }

        return low < _images.Count && _images[low].Id == id ? low : ~low;
    }
}
