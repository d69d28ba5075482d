using System;
using System.Collections.Generic;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>Prepared images, normalized as the model takes them and changed anew each time they are read.</summary>
/// <param name="set">The images, of the model's size or larger.</param>
/// <param name="preprocessor">Makes the model's images.</param>
/// <param name="augmentation">Changes made to each image.</param>
/// <param name="outputs">The model's output for each of the set's classes.</param>
internal sealed class ImageSamples(PreparedSet set, Preprocessor preprocessor, Augmentation augmentation, int[] outputs) : SampleSource
{
    public override int Count => set.Count;

    public override int Views => set.Views;

    public override int InputLength => preprocessor.InputLength;

    public override (int Width, int Height, int Channels) ImageSize =>
        (preprocessor.Preprocessing.Width, preprocessor.Preprocessing.Height, preprocessor.Preprocessing.Channels);

    public override IReadOnlyList<string> Notices => set.Notices;

    public override int Label(int sample) => outputs[set.Label(sample)];

    public override SampleReader Open() => new Reader(set, preprocessor, augmentation);

    public override void AppendTo(XxHash128 hash)
    {
        UInt128[] key = [set.Key];
        hash.Append(MemoryMarshal.AsBytes<UInt128>(key));
        int[] labels = new int[Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = Label(i);
        hash.Append(MemoryMarshal.AsBytes<int>(labels));
    }

    private sealed class Reader : SampleReader
    {
        private readonly PreparedSet _set;
        private readonly Preprocessor _preprocessor;
        private readonly CropAugmenter? _augmenter;
        private readonly byte[] _crop;
        private readonly byte[] _view;

        public Reader(PreparedSet set, Preprocessor preprocessor, Augmentation augmentation)
        {
            (_set, _preprocessor) = (set, preprocessor);
            Preprocessing from = set.Preprocessing, to = preprocessor.Preprocessing;
            bool plain = augmentation.IsNone && from.Width == to.Width && from.Height == to.Height;
            _augmenter = plain ? null : new CropAugmenter(preprocessor, augmentation, from.Width, from.Height);
            _crop = new byte[set.CropBytes];
            _view = plain ? [] : new byte[preprocessor.CropBytes];
        }

        public override void Read(int sample, int view, Rng rng, Span<float> input)
        {
            ReadOnlySpan<byte> crop = _set.Crop(sample, view, _crop);
            if (_augmenter is not null)
            {
                _augmenter.Make(crop, rng, _view);
                crop = _view;
            }

            _preprocessor.Normalize(crop, input);
        }
    }
}
