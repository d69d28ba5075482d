using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>A change of a session that can be undone.</summary>
internal abstract class SessionChange
{
    /// <summary>Images that it puts in.</summary>
    public virtual int Adds => 0;

    /// <summary>Images that it takes out.</summary>
    public virtual int Removes => 0;

    /// <summary>Adds the ids of the images that it puts in or takes out.</summary>
    public virtual void AddIdsTo(HashSet<long> ids)
    {
    }

    /// <summary>Makes it.</summary>
    public abstract void Do(SessionState state);

    /// <summary>Takes it back, in the state that it left.</summary>
    public abstract void Revert(SessionState state);

    /// <summary>As it stands in the log.</summary>
    public abstract byte[] ToRecord();

    /// <summary>An image is added.</summary>
    public sealed class Add(SessionImage image) : SessionChange
    {
        public override int Adds => 1;

        public override void AddIdsTo(HashSet<long> ids) => ids.Add(image.Id);

        public override void Do(SessionState state) => state.Insert(image);

        public override void Revert(SessionState state) => state.Remove(image);

        public override byte[] ToRecord() => SessionRecord.Image(SessionRecordKind.Add, image, image.Class.Id, image.Class.Label);
    }

    /// <summary>An image is removed.</summary>
    public sealed class Remove(SessionImage image) : SessionChange
    {
        public override int Removes => 1;

        public override void AddIdsTo(HashSet<long> ids) => ids.Add(image.Id);

        public override void Do(SessionState state) => state.Remove(image);

        public override void Revert(SessionState state) => state.Insert(image);

        public override byte[] ToRecord() => SessionRecord.Remove(image.Id);
    }

    /// <summary>A class is removed with all its images.</summary>
    public sealed class RemoveClass : SessionChange
    {
        private readonly SessionClass _class;
        private readonly List<SessionImage> _images = [];

        public RemoveClass(SessionState state, SessionClass @class)
        {
            _class = @class;
            foreach (SessionImage image in state.Images)
            {
                if (image.Class == @class) _images.Add(image);
            }
        }

        public override int Removes => _images.Count;

        public override void AddIdsTo(HashSet<long> ids)
        {
            foreach (SessionImage image in _images) ids.Add(image.Id);
        }

        public override void Do(SessionState state) => state.Remove(_class);

        public override void Revert(SessionState state)
        {
            foreach (SessionImage image in _images) state.Insert(image);
        }

        public override byte[] ToRecord() => SessionRecord.RemoveClass(_class.Id);
    }

    /// <summary>A class gets another name.</summary>
    public sealed class Rename(SessionClass @class, string label) : SessionChange
    {
        private readonly string _old = @class.Label;

        public override void Do(SessionState state) => @class.Label = label;

        public override void Revert(SessionState state) => @class.Label = _old;

        public override byte[] ToRecord() => SessionRecord.Rename(@class.Id, label);
    }

    /// <summary>An image goes to another class.</summary>
    public sealed class Relabel(SessionImage image, SessionClass to) : SessionChange
    {
        private readonly SessionClass _from = image.Class;

        public override void Do(SessionState state) => state.Move(image, to);

        public override void Revert(SessionState state) => state.Move(image, _from);

        public override byte[] ToRecord() => SessionRecord.Relabel(image.Id, to);
    }
}
