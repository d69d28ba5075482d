using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Thomas;

/// <summary>
/// A few feature vectors of each class, which <c>tune</c> stores in the model: what the layers before the last made of some of the images. With them, classes
/// can be added later without the old images, and what becomes of the old classes can be measured. Immutable.
/// </summary>
/// <remarks>
/// A vector has one byte for each feature, <c>x[k] = low[k] + code * step[k]</c>. It is no image, and no image can be read from it directly, but it says
/// something about one: leave rehearsal vectors out of models of private images that others receive.
/// </remarks>
public sealed class Rehearsal
{
    /// <summary>The key of its text in a model's metadata.</summary>
    internal const string Key = "thomas.rehearsal";

    /// <summary>What is said of a text that is none.</summary>
    internal const string Unreadable = "The rehearsal vectors in the file's metadata cannot be read and are dropped.";

    private const int Magic = 0x31485254, HeaderBytes = 24;
    private const int MostBytes = 1 << 26;

    private readonly float[] _low, _step;
    private readonly byte[] _codes;
    private readonly int[] _labels;

    private Rehearsal(float[] low, float[] step, byte[] codes, int[] labels, int training, int right, float? threshold)
    {
        (_low, _step, _codes, _labels) = (low, step, codes, labels);
        (TrainingVectors, Right, Threshold) = (training, right, threshold);
    }

    /// <summary>Numbers of a vector.</summary>
    public int Features => _low.Length;

    /// <summary>Number of vectors.</summary>
    public int Vectors => _labels.Length;

    /// <summary>How many of them, the first ones, are of training images. The others are of images that were set aside, and only measure.</summary>
    public int TrainingVectors { get; }

    /// <summary>Class of each vector, as number of the model's output.</summary>
    public IReadOnlyList<int> Labels => _labels;

    /// <summary>
    /// The similarity to the training vectors below which an image is of none of the classes, -1 to 1; null where none was found. See
    /// <see cref="ImageClassifier.Recognize(Data.RgbImage, int)"/>.
    /// </summary>
    public float? Threshold { get; }

    /// <summary>Characters that it takes in a model file.</summary>
    public int StoredBytes => ToText().Length;

    /// <summary>How many vectors the last layer classified rightly when they were stored: tells whether they still fit the network.</summary>
    internal int Right { get; }

    /// <summary>Rounds vectors to bytes.</summary>
    /// <param name="rows">The vectors, those of training images first.</param>
    /// <param name="labels">Their classes, 0 to 65,535.</param>
    /// <param name="training">How many are of training images.</param>
    /// <param name="right">How many of the rounded vectors the last layer classifies rightly.</param>
    internal static Rehearsal Create(IReadOnlyList<float[]> rows, int[] labels, int training, Func<Rehearsal, int> right)
    {
        int features = rows[0].Length;
        float[] low = new float[features], step = new float[features];
        byte[] codes = new byte[rows.Count * features];
        for (int k = 0; k < features; k++)
        {
            float least = float.PositiveInfinity, most = float.NegativeInfinity;
            foreach (float[] row in rows) (least, most) = (Math.Min(least, row[k]), Math.Max(most, row[k]));
            (low[k], step[k]) = (least, (most - least) / byte.MaxValue);
            for (int i = 0; i < rows.Count; i++)
                codes[(i * features) + k] = step[k] > 0 ? (byte)Math.Clamp((int)MathF.Round((rows[i][k] - least) / step[k]), 0, byte.MaxValue) : (byte)0;
        }

        Rehearsal unmeasured = new(low, step, codes, labels, training, 0, null);
        return new Rehearsal(low, step, codes, labels, training, right(unmeasured), null);
    }

    /// <summary>The same vectors with another threshold.</summary>
    internal Rehearsal WithThreshold(float? threshold) => new(_low, _step, _codes, _labels, TrainingVectors, Right, threshold);

    /// <summary>Reads a vector.</summary>
    internal void Read(int vector, Span<float> features)
    {
        ReadOnlySpan<byte> codes = _codes.AsSpan(vector * Features, Features);
        for (int k = 0; k < codes.Length; k++) features[k] = _low[k] + (codes[k] * _step[k]);
    }

    /// <summary>The form in which it travels in model files: Base64 of the deflated bytes.</summary>
    internal string ToText()
    {
        using MemoryStream stream = new();
        using (ZLibStream deflate = new(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            int[] numbers = [Magic, Features, Vectors, TrainingVectors, Right, BitConverter.SingleToInt32Bits(Threshold ?? float.NaN)];
            for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(header[(4 * i)..], numbers[i]);
            deflate.Write(header);
            WriteFloats(deflate, _low);
            WriteFloats(deflate, _step);
            byte[] labels = new byte[2 * _labels.Length];
            for (int i = 0; i < _labels.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(labels.AsSpan(2 * i), (ushort)_labels[i]);
            deflate.Write(labels);
            deflate.Write(_codes);
        }

        return Convert.ToBase64String(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    /// <returns>The vectors, or null for anything else.</returns>
    internal static Rehearsal? Parse(string text)
    {
        try
        {
            using ZLibStream inflate = new(new MemoryStream(Convert.FromBase64String(text)), CompressionMode.Decompress);
            byte[] header = new byte[HeaderBytes];
            inflate.ReadExactly(header);
            int[] numbers = MemoryMarshal.Cast<byte, int>(header).ToArray();
            if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(numbers, numbers);
            (int features, int vectors, int training, int right) = (numbers[1], numbers[2], numbers[3], numbers[4]);
            if (numbers[0] != Magic || features <= 0 || vectors <= 0 || (long)features * vectors > MostBytes) return null;
            if (training < 0 || training > vectors || right < 0 || right > vectors) return null;
            float threshold = BitConverter.Int32BitsToSingle(numbers[5]);
            if (!float.IsNaN(threshold) && (!(Math.Abs(threshold) <= 1) || training == 0)) return null;
            float[] low = ReadFloats(inflate, features), step = ReadFloats(inflate, features);
            byte[] bytes = new byte[2 * vectors], codes = new byte[features * vectors];
            inflate.ReadExactly(bytes);
            inflate.ReadExactly(codes);
            if (inflate.ReadByte() >= 0) return null;
            int[] labels = new int[vectors];
            for (int i = 0; i < vectors; i++) labels[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(2 * i));
            for (int k = 0; k < features; k++)
            {
                // Of a hostile file too, no vector may hold a number that is not finite.
                if (!float.IsFinite(low[k]) || !float.IsFinite(step[k]) || !float.IsFinite(low[k] + (byte.MaxValue * step[k]))) return null;
            }

            return new Rehearsal(low, step, codes, labels, training, right, float.IsNaN(threshold) ? null : threshold);
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or EndOfStreamException)
        {
            return null;
        }
    }

    private static void WriteFloats(Stream stream, float[] values)
    {
        byte[] bytes = new byte[sizeof(float) * values.Length];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(sizeof(float) * i), values[i]);
        stream.Write(bytes);
    }

    private static float[] ReadFloats(Stream stream, int count)
    {
        byte[] bytes = new byte[sizeof(float) * count];
        stream.ReadExactly(bytes);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(sizeof(float) * i));
        return values;
    }
}
