using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;


namespace Thomas.Data;

/// <summary>
/// A data set at a model's input size: each image decoded once, cut to size (and, if asked, augmented several times), kept as bytes and normalized when a batch
/// is filled. With a cache folder the crops live in a file, and the next run with the same images, size and options opens it instead of decoding.
/// </summary>
/// <remarks>
/// The cache is found by the images' content, not by their names or dates: every file is read and hashed (XXH3, 128 bits) at each run, which is far cheaper
/// than decoding. Reading from several threads is safe; disposing is not while others read.
/// </remarks>
public sealed class PreparedSet : IDisposable
{
    // Part of the cache key: change it when the pixels of a crop can change.
    private const int GeometryVersion = 1;

    private readonly Preprocessor _preprocessor;
    private readonly CropStore _crops;
    private readonly int[] _images;
    private readonly Preparation _preparation;

    private PreparedSet(Dataset dataset, PreparedSetOptions options, Preprocessor preprocessor, Preparation preparation)
    {
        _preprocessor = preprocessor;
        _crops = preparation.Crops!;
        _preparation = preparation;
        Views = options.Views;
        Key = preparation.Key;
        IsFromCache = preparation.IsFromCache;
        List<int> usable = [];
        List<Sample> samples = [];
        List<BrokenImage> broken = [];
        for (int i = 0; i < dataset.Samples.Count; i++)
        {
            if (preparation.Failures[i] is string reason)
            {
                broken.Add(new BrokenImage(dataset.Samples[i], reason));
            }
            else
            {
                usable.Add(i);
                samples.Add(dataset.Samples[i]);
            }
        }

        _images = [.. usable];
        Dataset = new Dataset(dataset.Name, dataset.ClassNames, samples);
        Broken = broken;
    }

    /// <summary>The images that could be used, in the order of the original data set; indexes of this class refer to it.</summary>
    public Dataset Dataset { get; }

    /// <summary>Number of images that could be used.</summary>
    public int Count => _images.Length;

    /// <summary>Number of views of each image; view 0 is the plain one.</summary>
    public int Views { get; }

    /// <summary>What <see cref="Fill"/> applies.</summary>
    public Preprocessing Preprocessing => _preprocessor.Preprocessing;

    /// <summary>Number of floats of one model input: height * width * channels.</summary>
    public int InputLength => _preprocessor.InputLength;

    /// <summary>Images that were left out, and why.</summary>
    public IReadOnlyList<BrokenImage> Broken { get; }

    /// <summary>
    /// What the user should know about the cache so far: it could not be written, was damaged and made anew, or was changed while it was in use.
    /// </summary>
    public IReadOnlyList<string> Notices => _preparation.Notices;

    /// <summary>Bytes of a crop.</summary>
    public int CropBytes => _preparation.CropBytes;

    /// <summary>Whether the crops came from the cache without decoding.</summary>
    public bool IsFromCache { get; }

    /// <summary>
    /// 128-bit hash of all that decides the crops: the images' content in order, decoder, size, resizing, augmentation, views, seed. Labels, split, mean, std
    /// and color order are not in it. Caches that build on the crops can be keyed by it.
    /// </summary>
    public UInt128 Key { get; }

    /// <summary>Decodes and cuts all images of a data set, or opens them from the cache.</summary>
    /// <param name="dataset">The data set.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="options">Size, views, cache, threads.</param>
    /// <param name="progress">Told after each image, from the worker threads but never two at once. Not told when the cache is used.</param>
    /// <param name="cancellation">Ends the work soon; nothing half-written stays behind.</param>
    /// <returns>The prepared set; dispose it after use.</returns>
    /// <exception cref="DataException">A class has no usable image left, or a file changed while it was read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static PreparedSet Create(
        Dataset dataset, IImageDecoder decoder, PreparedSetOptions options, IProgress<PrepareProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        if ((long)dataset.Samples.Count * options.Views > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Views,
                $"{options.Views} views of {dataset.Samples.Count} images are too many; at most {Array.MaxLength / dataset.Samples.Count} are possible.");
        }

        Preprocessor preprocessor = new(options.Preprocessing);
        Preparation preparation = new(dataset, decoder.WithBackground(options.Preprocessing.Background), options, preprocessor, progress, cancellation);
        try
        {
            preparation.Run();
            PreparedSet set = new(dataset, options, preprocessor, preparation);
            if (!options.MayLoseClasses) set.CheckClasses(dataset);
            else if (set.Count == 0 && set.Broken.Count > 0)
            {
                throw new DataException(
                    $"{dataset.Name}: no validation image can be used; for example '{set.Broken[0].Sample.Image.Name}': {set.Broken[0].Reason}");
            }

            return set;
        }
        catch
        {
            preparation.Crops?.Dispose();
            throw;
        }
    }

    /// <summary>Class index of an image.</summary>
    /// <param name="index">The image, below <see cref="Count"/>.</param>
    /// <returns>Index into the class names.</returns>
    public int Label(int index) => Dataset.Samples[index].ClassIndex;

    /// <summary>Bytes of a crop.</summary>
    /// <param name="index">The image, below <see cref="Count"/>.</param>
    /// <param name="view">The view, below <see cref="Views"/>.</param>
    /// <returns>[height, width, 3] bytes, red, green, blue.</returns>
    /// <exception cref="DataException">The cache was changed by another program, and the image cannot be decoded again.</exception>
    public ReadOnlySpan<byte> Crop(int index, int view = 0) => Crop(index, view, new byte[CropBytes]);

    /// <summary>Bytes of a crop, without allocating.</summary>
    /// <param name="index">The image, below <see cref="Count"/>.</param>
    /// <param name="view">The view, below <see cref="Views"/>.</param>
    /// <param name="buffer">Memory for <see cref="CropBytes"/> bytes; crops that lie in a file are read into it.</param>
    /// <returns>[height, width, 3] bytes, red, green, blue; valid until the buffer is written again or this is disposed.</returns>
    /// <exception cref="DataException">The cache was changed by another program, and the image cannot be decoded again.</exception>
    public ReadOnlySpan<byte> Crop(int index, int view, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(view);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(view, Views);
        return _crops.TryRead((_images[index] * Views) + view, buffer, out ReadOnlySpan<byte> crop)
            ? crop
            : _preparation.MakeAgain(_images[index], view, buffer[..CropBytes]);
    }

    /// <summary>Fills a batch with normalized model inputs.</summary>
    /// <param name="indexes">The images, each below <see cref="Count"/>.</param>
    /// <param name="view">The view of all of them.</param>
    /// <param name="batch">Receives [indexes.Length, height, width, channels] floats.</param>
    /// <exception cref="ArgumentException"><paramref name="batch"/> is too short.</exception>
    public void Fill(ReadOnlySpan<int> indexes, int view, Span<float> batch)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CropBytes);
        try
        {
            for (int i = 0; i < indexes.Length; i++)
            {
                _preprocessor.Normalize(Crop(indexes[i], view, buffer), batch[(i * InputLength)..]);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public void Dispose() => _crops.Dispose();

    private void CheckClasses(Dataset original)
    {
        int[] before = original.CountByClass();
        int[] after = Dataset.CountByClass();
        int[] trainBefore = original.CountByClass(Subset.Train);
        int[] trainAfter = Dataset.CountByClass(Subset.Train);
        for (int c = 0; c < before.Length; c++)
        {
            if ((before[c] > 0 && after[c] == 0) || (trainBefore[c] > 0 && trainAfter[c] == 0))
            {
                BrokenImage example = FirstBroken(c);
                throw new DataException(
                    $"{original.Name}: none of the training images of '{original.ClassNames[c]}' can be used; for example '{example.Sample.Image.Name}': " +
                    $"{example.Reason} Replace them, or remove the class.");
            }
        }
    }

    private BrokenImage FirstBroken(int classIndex)
    {
        foreach (BrokenImage broken in Broken)
        {
            if (broken.Sample.ClassIndex == classIndex)
            {
                return broken;
            }
        }

        throw new InvalidOperationException("A class lost its images without one being broken.");
    }

    /// <summary>The work of <see cref="Create"/> and what comes out of it.</summary>
    private sealed class Preparation(
        Dataset dataset, IImageDecoder decoder, PreparedSetOptions options, Preprocessor preprocessor, IProgress<PrepareProgress>? progress,
        CancellationToken cancellation)
    {
        private readonly UInt128[] _hashes = new UInt128[dataset.Samples.Count];
        private readonly Lock _reporting = new();
        private readonly List<string> _notices = [];
        private int _done;
        private int _broken;
        private bool _wasChanged;

        public string?[] Failures { get; private set; } = new string?[dataset.Samples.Count];

        /// <summary>A copy, since another thread may add to them.</summary>
        public IReadOnlyList<string> Notices
        {
            get
            {
                lock (_reporting) return [.. _notices];
            }
        }

        public int CropBytes => preprocessor.CropBytes;

        public CropStore? Crops { get; private set; }

        public UInt128 Key { get; private set; }

        public bool IsFromCache { get; private set; }

        private int Slots => dataset.Samples.Count * options.Views;

        public void Run()
        {
            Workers.Run(_hashes.Length, options.Threads, HashImage, cancellation);
            Key = ComputeKey();
            Crops = options.CacheDirectory is string directory && Slots > 0 ? OpenOrBuild(directory) : Build(new MemoryCrops(Slots));
        }

        private void HashImage(int index)
        {
            try
            {
                _hashes[index] = dataset.Samples[index].Image.Hash();
            }
            catch (DataException error)
            {
                Failures[index] = error.Message;
            }
        }

        private UInt128 ComputeKey()
        {
            Preprocessing p = options.Preprocessing;
            Augmentation a = options.Augmentation;
            string plain = string.Create(
                CultureInfo.InvariantCulture, $"{GeometryVersion} {decoder.Identity} {p.Width}x{p.Height} {p.Resize} {p.CropMargin:R} views {options.Views}");
            string augmented = options.Views == 1
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $" flip {a.Flip} crop {a.MinimumCropScale:R} color {a.Color:R} seed {options.Seed}");
            XxHash128 hash = new();
            hash.Append(Encoding.UTF8.GetBytes(plain + augmented));
            hash.Append(MemoryMarshal.AsBytes<UInt128>(_hashes));
            return hash.GetCurrentHashAsUInt128();
        }

        private CropStore OpenOrBuild(string directory)
        {
            string path = CropFile.PathOf(directory, Key);
            string?[] unreadable = [.. Failures];
            CropStore? cached = CropFile.TryOpen(
                path, Key, Failures, options.Views, preprocessor.CropBytes, options.Threads, out string? problem, cancellation);
            if (cached is not null && (problem = FalselyBroken(unreadable)) is null)
            {
                IsFromCache = true;
                return cached;
            }

            cached?.Dispose();

            if (problem is not null)
            {
                _notices.Add($"The prepared images in '{path}' could not be used ({problem}) and have been rebuilt.");
            }

            Failures = [.. unreadable];
            try
            {
                Directory.CreateDirectory(directory);
                using CropFile.Writer writer = new(path, Key, Slots, preprocessor.CropBytes);
                return Build(writer);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                string bytes = ByteSize.FormatAtLeast((long)Slots * preprocessor.CropBytes);
                if (options.MustCache)
                {
                    throw new OutputException(
                        $"With a memory bound, prepared images are kept in files, but these ({bytes}) could not be written to '{directory}' ({error.Message}). "
                        + $"Free some disk space or choose another cache folder.", error);
                }

                _notices.Add(
                    $"The prepared images could not be cached in '{directory}' ({error.Message}). They are kept in memory ({bytes}), and the next run " +
                    $"prepares " +
                    "them again. Free some disk space or choose another cache folder.");
                Failures = unreadable;
                return Build(new MemoryCrops(Slots));
            }
        }

        /// <summary>
        /// A cache that calls good images broken would keep them out of every later run, so those few are decoded again.
        /// </summary>
        private string? FalselyBroken(string?[] unreadable)
        {
            for (int i = 0; i < Failures.Length; i++)
            {
                if (Failures[i] is null || unreadable[i] is not null) continue;
                try
                {
                    _ = Decode(i);
                    return $"it calls '{dataset.Samples[i].Image.Name}' broken, which it is not";
                }
                catch (DataException)
                {
                    // Broken indeed.
                }
            }

            return null;
        }

        private CropStore Build(ICropWriter writer)
        {
            (_done, _broken) = (0, 0);
            Workers.Run(_hashes.Length, options.Threads, index => Prepare(index, writer), cancellation);
            return writer.Complete(Failures);
        }

        private void Prepare(int index, ICropWriter writer)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(preprocessor.CropBytes);
            try
            {
                if (Failures[index] is null)
                {
                    WriteViews(index, Decode(index), writer, buffer.AsSpan(0, preprocessor.CropBytes));
                }
            }
            catch (ImageFormatException error)
            {
                Failures[index] = error.Message;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            Report(Failures[index] is not null);
        }

        private RgbImage Decode(int index)
        {
            byte[]? rented = null;
            try
            {
                return Decode(index, dataset.Samples[index].Image.Read(ref rented));
            }
            finally
            {
                if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
            }
        }

        private RgbImage Decode(int index, ImageContent content)
        {
            ImageSource image = dataset.Samples[index].Image;
            if (content.Hash() != _hashes[index])
            {
                throw new DataException($"'{image.Name}' changed while the images were being prepared; run again when it is complete.");
            }

            // A random crop may keep a small part only, which must not have been reduced below the model's size.
            double widest = Math.Max(options.Preprocessing.Width, options.Preprocessing.Height) / Math.Sqrt(options.Augmentation.MinimumCropScale);
            int minimumShortSide = options.Views == 1 ? preprocessor.MinimumShortSide : Math.Max(preprocessor.MinimumShortSide, (int)Math.Ceiling(widest));
            return content.Decode(decoder, minimumShortSide, image.Name);
        }

        private void WriteViews(int index, RgbImage image, ICropWriter writer, Span<byte> crop)
        {
            for (int view = 0; view < options.Views; view++)
            {
                MakeView(index, view, image, crop);
                writer.Write((index * options.Views) + view, crop);
            }
        }

        private void MakeView(int index, int view, RgbImage image, Span<byte> crop)
        {
            if (view == 0) preprocessor.Crop(image, crop);
            else preprocessor.Crop(image, options.Augmentation, new Rng(options.Seed).Fork((ulong)index).Fork((ulong)view), crop);
        }

        /// <summary>The crop of an image whose bytes in the cache are no longer what they were: the same, from the image itself.</summary>
        public ReadOnlySpan<byte> MakeAgain(int index, int view, Span<byte> crop)
        {
            lock (_reporting)
            {
                if (!_wasChanged)
                {
                    _notices.Add(
                        $"The prepared images in '{options.CacheDirectory}' were cut or changed by another program while in use. Damaged images " +
                        "are decoded again, which takes longer but does not change the result; the next run rebuilds the file.");
                }

                _wasChanged = true;
            }

            try
            {
                MakeView(index, view, Decode(index), crop);
                return crop;
            }
            catch (DataException error)
            {
                throw new DataException(
                    $"The prepared images in '{options.CacheDirectory}' were cut or changed by another program, and '{dataset.Samples[index].Image.Name}' " +
                    $"cannot be decoded again: " +
                    $"{error.Message} Run again when the original images are back in place.", error);
            }
        }

        private void Report(bool broken)
        {
            lock (_reporting)
            {
                _done++;
                _broken += broken ? 1 : 0;
                progress?.Report(new PrepareProgress(_done, _hashes.Length, _broken));
            }
        }
    }
}
