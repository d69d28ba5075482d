using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Thomas.Training;

/// <summary>
/// Features of labeled samples, as the frozen part of a network computes them: float32 rows outside the managed heap.
/// </summary>
/// <remarks>
/// Row-major [views * samples, features]; the row of a sample's view is <c>view * samples + sample</c>. View 0 is the image as it is, and the only
/// one that evaluation looks at; the others are augmented versions of it, from which training draws one per epoch. Different rows may be read and
/// written by several threads at once. Keep the object referenced while its spans are in use.
/// </remarks>
internal sealed unsafe class FeatureMatrix : IDisposable
{
    private readonly int[] _labels;
    private readonly float* _rows;
    private readonly bool _readOnly;
    private IDisposable? _owner;

    /// <summary>Allocates a matrix of zeros.</summary>
    /// <param name="labels">Class index of every sample, 0 or more; copied. There is at least one sample.</param>
    /// <param name="features">Features per row, at least 1.</param>
    /// <param name="views">Views per sample, at least 1.</param>
    /// <exception cref="ArgumentException">There is no sample, a label is negative, or a size is below 1.</exception>
    /// <exception cref="NotEnoughMemoryException">There is not enough memory.</exception>
    public FeatureMatrix(ReadOnlySpan<int> labels, int features, int views = 1)
        : this(labels, features, views, new NativeRows(CheckedBytes(labels.Length, features, views)))
    {
    }

    private FeatureMatrix(ReadOnlySpan<int> labels, int features, int views, NativeRows memory)
        : this(labels, features, views, memory.Pointer, memory, readOnly: false)
    {
    }

    private FeatureMatrix(ReadOnlySpan<int> labels, int features, int views, float* rows, IDisposable owner, bool readOnly)
    {
        foreach (int label in labels)
        {
            if (label >= 0) continue;
            owner.Dispose();
            throw new ArgumentException($"A label is {label}; class indices start at 0.", nameof(labels));
        }

        _labels = labels.ToArray();
        _rows = rows;
        _owner = owner;
        _readOnly = readOnly;
        Features = features;
        Views = views;
    }

    /// <summary>A matrix whose rows the caller fills through <see cref="Pointer"/> before anybody else sees it; they cannot be changed afterwards.</summary>
    internal static FeatureMatrix ForReading(ReadOnlySpan<int> labels, int features, int views)
    {
        NativeRows rows = new(CheckedBytes(labels.Length, features, views));
        return new FeatureMatrix(labels, features, views, rows.Pointer, rows, readOnly: true);
    }

    /// <summary>Number of samples.</summary>
    public int Samples => _labels.Length;

    /// <summary>Features per row.</summary>
    public int Features { get; }

    /// <summary>Views per sample.</summary>
    public int Views { get; }

    /// <summary>Class index of every sample.</summary>
    public ReadOnlySpan<int> Labels => _labels;

    /// <summary>Bytes of the rows.</summary>
    public long LengthBytes => (long)Samples * Views * Features * sizeof(float);

    internal float* Pointer => _owner is null ? throw new ObjectDisposedException(nameof(FeatureMatrix)) : _rows;

    /// <summary>Reads a row.</summary>
    /// <param name="sample">Number of the sample.</param>
    /// <param name="view">Number of its view.</param>
    /// <returns>The features; valid until the matrix is disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sample or view.</exception>
    /// <exception cref="ObjectDisposedException">The matrix was disposed.</exception>
    public ReadOnlySpan<float> Row(int sample, int view = 0) => RowSpan(sample, view);

    /// <summary>A row to be filled.</summary>
    /// <param name="sample">Number of the sample.</param>
    /// <param name="view">Number of its view.</param>
    /// <returns>The features; valid until the matrix is disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such sample or view.</exception>
    /// <exception cref="InvalidOperationException">The matrix comes from a cache file.</exception>
    /// <exception cref="ObjectDisposedException">The matrix was disposed.</exception>
    public Span<float> WritableRow(int sample, int view = 0)
    {
        if (_readOnly) throw new InvalidOperationException("Features from a cache file are read-only.");
        return RowSpan(sample, view);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _owner?.Dispose();
        _owner = null;
    }

    /// <summary>Throws unless every label is below the number of classes.</summary>
    internal void RequireLabelsBelow(int classes, string what)
    {
        for (int i = 0; i < _labels.Length; i++)
        {
            if (_labels[i] >= classes) throw new ArgumentException($"{what}: sample {i} has label {_labels[i]}; there are {classes} classes.");
        }
    }

    private static nuint CheckedBytes(int samples, int features, int views)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(views, 1);
        UInt128 bytes = (UInt128)samples * (UInt128)views * (UInt128)features * sizeof(float);
        return bytes <= long.MaxValue
            ? (nuint)bytes
            : throw new ArgumentOutOfRangeException(
                nameof(features), features, $"{samples} samples of {views} views with {features} features each are too many for one matrix.");
    }

    private Span<float> RowSpan(int sample, int view)
    {
        if ((uint)sample >= (uint)Samples) ThrowNoRow(nameof(sample), sample, Samples);
        if ((uint)view >= (uint)Views) ThrowNoRow(nameof(view), view, Views);
        return new Span<float>(Pointer + ((((long)view * Samples) + sample) * Features), Features);
    }

    [DoesNotReturn]
    private static void ThrowNoRow(string name, int value, int bound) =>
        throw new ArgumentOutOfRangeException(name, value, $"The matrix has {bound}, numbered from 0.");

    private sealed class NativeRows : SafeHandle
    {
        public NativeRows(nuint bytes)
            : base(0, ownsHandle: true)
        {
            Runtime.FreeMemory.Require((long)bytes);
            void* memory = NativeMemory.AlignedAlloc(bytes, 64);
            NativeMemory.Clear(memory, bytes);
            SetHandle((nint)memory);
        }

        public override bool IsInvalid => handle == 0;

        public float* Pointer => (float*)handle;

        protected override bool ReleaseHandle()
        {
            NativeMemory.AlignedFree((void*)handle);
            return true;
        }
    }
}
