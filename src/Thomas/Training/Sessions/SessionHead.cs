using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Thomas.Training;

/// <summary>A trained head of a session. Immutable.</summary>
/// <param name="Head">The weights.</param>
/// <param name="Classes">Numbers of the classes, in the order of its rows.</param>
/// <param name="Fingerprint">What it was trained on, see <see cref="SessionState.Fingerprint"/>.</param>
/// <param name="Report">How that went.</param>
internal sealed record SessionHead(LinearHead Head, IReadOnlyList<int> Classes, UInt128 Fingerprint, TuningSessionReport Report)
{
    private const ulong Magic = 0x4441_4548_5345_4854; // "THESHEAD"
    private const int FixedBytes = 16, HashBytes = 16;
    private const short Major = 1, Minor = 0;

    /// <summary>
    /// Writes the head: magic, version (two int16), length of the text (int32), the text (JSON), weights and bias (float32), XXH3 (128 bits) of all that.
    /// </summary>
    /// <exception cref="OutputException">It cannot be written; the former one is still there.</exception>
    public void Write(string path)
    {
        SessionHeadHeader header = new()
        {
            Classes = [.. Classes],
            Labels = [.. Report.Labels],
            Features = Head.Features,
            Fingerprint = SessionManifest.Text(Fingerprint),
            Images = Report.Images,
            Before = Report.Before?.ToRows(),
            After = Report.After?.ToRows(),
            Mistakes = [.. Report.Mistakes],
            Checked = Report.Checked,
            Warnings = [.. Report.Warnings],
            Seconds = Report.Duration.TotalSeconds,
        };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header, SessionJson.Default.SessionHeadHeader);
        AtomicFile.Write(path, stream =>
        {
            byte[] start = new byte[FixedBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(start, Magic);
            BinaryPrimitives.WriteInt16LittleEndian(start.AsSpan(8), Major);
            BinaryPrimitives.WriteInt16LittleEndian(start.AsSpan(10), Minor);
            BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(12), json.Length);
            XxHash128 hash = new();
            Append(start);
            Append(json);
            Append(MemoryMarshal.AsBytes(Head.Weights));
            Append(MemoryMarshal.AsBytes(Head.Bias));
            byte[] sum = new byte[HashBytes];
            BinaryPrimitives.WriteUInt128LittleEndian(sum, hash.GetCurrentHashAsUInt128());
            stream.Write(sum);

            void Append(ReadOnlySpan<byte> bytes)
            {
                hash.Append(bytes);
                stream.Write(bytes);
            }
        });
    }

    /// <summary>Reads a head. One that cannot be used is no loss: it is trained again in an instant.</summary>
    /// <param name="path">The file.</param>
    /// <param name="features">Features of an image.</param>
    /// <param name="problem">Why an existing file was not used; null if there is none or it is good.</param>
    public static SessionHead? TryRead(string path, int features, out string? problem)
    {
        problem = null;
        try
        {
            if (!File.Exists(path)) return null;
            byte[] file = InputFile.ReadAll(path, InputFile.ModelBytes);
            problem = "it is not the last layer of a session, or is one of another version";
            if (file.Length < FixedBytes + HashBytes || BinaryPrimitives.ReadUInt64LittleEndian(file) != Magic) return null;
            if (BinaryPrimitives.ReadInt16LittleEndian(file.AsSpan(8)) != Major) return null;
            problem = "its checksum is wrong";
            if (XxHash128.HashToUInt128(file.AsSpan(0, file.Length - HashBytes)) != BinaryPrimitives.ReadUInt128LittleEndian(
                file.AsSpan(file.Length - HashBytes)))
            {
                return null;
            }

            problem = "its contents do not fit together";
            int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(12));
            if (length < 0 || length > file.Length - FixedBytes - HashBytes) return null;
            SessionHeadHeader? header = JsonSerializer.Deserialize(file.AsSpan(FixedBytes, length), SessionJson.Default.SessionHeadHeader);
            if (header is null || header.Features != features || !header.IsSound(out UInt128 fingerprint)) return null;
            ReadOnlySpan<float> numbers = MemoryMarshal.Cast<byte, float>(file.AsSpan((FixedBytes + length)..^HashBytes).ToArray());
            int classes = header.Classes.Length;
            if (numbers.Length != ((long)classes * features) + classes) return null;
            foreach (float number in numbers)
            {
                if (!float.IsFinite(number)) return null;
            }

            problem = null;
            return new SessionHead(new LinearHead(numbers[..^classes], numbers[^classes..]), header.Classes, fingerprint, header.ToReport());
        }
        catch (Exception e) when (InputFile.IsReadError(e) || e is JsonException)
        {
            problem = e.Message;
            return null;
        }
    }
}

/// <summary>The part of a head's file that is text.</summary>
internal sealed record SessionHeadHeader
{
    /// <summary>Numbers of the classes.</summary>
    public required int[] Classes { get; init; }

    /// <summary>Their names when it was trained.</summary>
    public required string[] Labels { get; init; }

    /// <summary>Features of an image.</summary>
    public required int Features { get; init; }

    /// <summary>What it was trained on.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>How many images that was.</summary>
    public required int Images { get; init; }

    /// <summary>See <see cref="TuningSessionReport.Before"/>.</summary>
    public int[][]? Before { get; init; }

    /// <summary>See <see cref="TuningSessionReport.After"/>.</summary>
    public int[][]? After { get; init; }

    /// <summary>See <see cref="TuningSessionReport.Mistakes"/>; null in files of earlier versions.</summary>
    public SessionMistake[]? Mistakes { get; init; }

    /// <summary>See <see cref="TuningSessionReport.Checked"/>.</summary>
    public required string Checked { get; init; }

    /// <summary>See <see cref="TuningSessionReport.Warnings"/>.</summary>
    public required string[] Warnings { get; init; }

    /// <summary>Time that it took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether a session can have written it.</summary>
    public bool IsSound(out UInt128 fingerprint)
    {
        fingerprint = 0;
        if (Classes.Length is < 2 or > SessionState.MaximumClasses || Labels.Length != Classes.Length || Images < Classes.Length
            || !(Seconds is >= 0 and < 1e9))
        {
            return false;
        }

        foreach (string? label in Labels)
        {
            if (label is null || SessionLabel.Problem(label) is not null) return false;
        }

        foreach (string? warning in Warnings)
        {
            if (warning is null) return false;
        }

        foreach (SessionMistake? mistake in Mistakes ?? [])
        {
            if (mistake is null || (uint)mistake.Actual >= (uint)Classes.Length || (uint)mistake.Predicted >= (uint)Classes.Length
                || mistake.Probability is not (>= 0 and <= 1))
            {
                return false;
            }
        }

        return IsSound(Before) && IsSound(After)
            && UInt128.TryParse(Fingerprint, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out fingerprint);
    }

    /// <summary>As it was reported.</summary>
    public TuningSessionReport ToReport() => new()
    {
        Labels = Labels,
        Images = Images,
        Before = Before is null ? null : new ConfusionMatrix(Before),
        After = After is null ? null : new ConfusionMatrix(After),
        Mistakes = Mistakes ?? [],
        Checked = Checked,
        Warnings = Warnings,
        Duration = TimeSpan.FromSeconds(Seconds),
    };

    private bool IsSound(int[][]? rows) => rows is null || (rows.Length == Classes.Length && CheckpointHeader.Problem(rows) is null);
}
