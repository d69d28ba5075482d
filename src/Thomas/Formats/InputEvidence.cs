using System;
using System.Diagnostics;
using System.Globalization;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Formats;

/// <summary>Element type of a model's first input in its file.</summary>
internal enum InputNumbers
{
    Real,
    UInt8,
    Int8,
    Int16,
}

/// <summary>What a file says about the numbers of its first input, besides its graph.</summary>
/// <param name="Numbers">Element type.</param>
/// <param name="Grid">Scale and zero point of an integer input.</param>
/// <param name="Metadata">Mean and standard deviation that the metadata names.</param>
/// <param name="Order">Order of the colors that the metadata names.</param>
internal readonly record struct InputClaims(
    InputNumbers Numbers = InputNumbers.Real, Quantization? Grid = null, (ChannelValues Mean, ChannelValues Std)? Metadata = null, ColorOrder? Order = null);

/// <summary>
/// Finds out how images become inputs where Thomas has not written it into the file. In this order, because what the graph computes binds and what is written
/// beside it may be copied from elsewhere: the grid of an integer input or the grid that a float input is rounded to (numbers outside of it cannot be told
/// apart), arithmetic at the head of the graph that rescales its input, the normalization in the metadata.
/// </summary>
internal static class InputEvidence
{
    /// <summary>
    /// How far an interval may lie from that of a known normalization, as a share of its width: grids come from calibration images, which need not reach both
    /// ends.
    /// </summary>
    private const double GridTolerance = 0.1;

    /// <summary>Constants in a graph are exact but for rounded means.</summary>
    private const double ArithmeticTolerance = 0.03;

    /// <summary>How exactly the step of a grid must be that of a byte for the bytes to be its numbers.</summary>
    private const double StepTolerance = 0.02;

    /// <summary>Spread of the numbers that networks are trained on; raw bytes and the interval 0 to 1 lie a factor of 255 apart.</summary>
    private const double LeastWidth = 0.4, LargestWidth = 16;

    /// <summary>Statistics of photos in units of bytes, for batch normalization of the input itself.</summary>
    private const double PhotoMean = 115, PhotoStd = 66;

    /// <summary>Decides the preprocessing of a model's images, if there is evidence.</summary>
    /// <param name="graph">The graph as imported; its first input is NHWC.</param>
    /// <param name="claims">What else the file says.</param>
    /// <returns>The preprocessing and the reason as words to follow "preprocessing:"; null without evidence or where the input is no image.</returns>
    public static (Preprocessing Preprocessing, string Source)? Find(Graph graph, InputClaims claims)
    {
        Shape input = graph.Inputs[0].Shape;
        if (input.Rank != 4 || input[3] is not (1 or 3)) return null;
        if (claims.Grid is { IsPerTensor: false }) claims = claims with { Numbers = InputNumbers.Real };
        Preprocessing plain = new()
        {
            Width = input[2],
            Height = input[1],
            ColorOrder = input[3] == 1 ? ColorOrder.Gray : ColorOrder.Rgb,
            CropMargin = Preprocessing.CropMarginFor(input[2], input[1]),
        };
        Preprocessing? metadata = FromMetadata(plain, claims.Metadata);
        LeadingArithmetic leading = LeadingArithmetic.Of(EliminateDeadNodes.Run(graph), passesGrids: claims.Numbers != InputNumbers.Real);
        (Preprocessing Preprocessing, string Source)? found = claims.Numbers == InputNumbers.Real
            ? FromFirstGrid(plain, leading, metadata) ?? FromArithmetic(plain, leading)
            : FromIntegers(plain, leading, metadata, claims);
        if (found is not var (preprocessing, source))
        {
            return metadata is null ? null : (metadata with { ColorOrder = OrderOf(metadata, claims) }, "from the normalization in the file's metadata");
        }

        preprocessing = preprocessing with { ColorOrder = OrderOf(preprocessing, claims) };
        if (metadata is not null && (preprocessing.Mean != metadata.Mean || preprocessing.Std != metadata.Std))
        {
            source += IntervalOf(metadata).Distance(IntervalOf(preprocessing)) <= GridTolerance
                ? "; the file's metadata agrees"
                : $"; the file's metadata says {IntervalOf(metadata)}, which does not fit and is not used";
        }

        return (preprocessing, source);
    }

    /// <summary>The bytes themselves where the grid steps like bytes, as apps feed them; else the known normalization whose interval the grid covers.</summary>
    private static (Preprocessing Preprocessing, string Source)? FromIntegers(
        Preprocessing plain, LeadingArithmetic leading, Preprocessing? metadata, InputClaims claims)
    {
        (int minimum, int maximum, string type) = claims.Numbers switch
        {
            InputNumbers.UInt8 => (byte.MinValue, byte.MaxValue, "uint8"),
            InputNumbers.Int8 => (sbyte.MinValue, sbyte.MaxValue, "int8"),
            InputNumbers.Int16 => (short.MinValue, short.MaxValue, "int16"),
            _ => throw new UnreachableException($"{claims.Numbers} has no grid."),
        };
        float scale = claims.Grid?.Scales[0] ?? 1;
        int zero = claims.Grid?.ZeroPoints[0] ?? 0;
        Interval interval = new(scale * ((double)minimum - zero), scale * ((double)maximum - zero));
        string grid = claims.Grid is null
            ? $"from its input: {type} without a scale"
            : string.Create(CultureInfo.InvariantCulture, $"from its {type} input: scale {scale:0.######}, zero point {zero}, real numbers {interval}");
        (Preprocessing known, double distance) = Nearest(plain, interval);
        if (claims.Numbers == InputNumbers.Int16)
        {
            // Its zero point is 0, so the grid reaches as far below zero as above: only its end tells.
            known = NearestEnd(plain, interval.High, metadata);
            return Usable(known) ? (known, grid) : null;
        }

        Preprocessing bytes = plain with { Mean = new ChannelValues(zero - minimum), Std = new ChannelValues(1 / scale) };
        bool bytesFit = IsUniform(known) && Math.Abs((255 * scale / IntervalOf(known).Width) - 1) <= StepTolerance;
        bool knownFits = distance <= (claims.Numbers == InputNumbers.UInt8 ? ArithmeticTolerance : GridTolerance);
        if (!bytesFit && knownFits && !(claims.Numbers == InputNumbers.UInt8 && IsUniform(known))) return (known, grid);
        if (!bytesFit && claims.Numbers == InputNumbers.Int8)
        {
            if (FromArithmetic(plain, leading) is { } computed) return computed;
            if (metadata is not null && IntervalOf(metadata).Overlaps(interval)) return (metadata, "from the normalization in the file's metadata");
        }

        return Usable(bytes) ? (bytes, $"{grid}; the bytes of an image are its steps") : null;
    }

    /// <summary>A float input that is rounded to a grid at once: numbers outside of the grid would be lost, so it covers what images become.</summary>
    private static (Preprocessing Preprocessing, string Source)? FromFirstGrid(Preprocessing plain, LeadingArithmetic leading, Preprocessing? metadata)
    {
        if (leading.Grid is not { } interval) return null;
        string source = $"from the 8-bit grid that the graph rounds its input to: {interval}";
        if (metadata is not null && IntervalOf(metadata).Distance(interval) <= GridTolerance)
        {
            return (metadata, $"from the normalization in the file's metadata; the 8-bit grid of the input agrees: {interval}");
        }

        (Preprocessing known, double distance) = Nearest(plain, interval);
        return distance <= GridTolerance ? (known, source) : null;
    }

    /// <summary>A graph that rescales its input is fed what comes out rescaled to a range that networks are trained on.</summary>
    private static (Preprocessing Preprocessing, string Source)? FromArithmetic(Preprocessing plain, LeadingArithmetic leading)
    {
        if (leading.Statistics is var (mean, std) && !leading.Rescales) return FromStatistics(plain, mean, std);
        if (!leading.Rescales) return null;
        Preprocessing? best = null;
        (double Distance, ColorOrder Order, string Becomes) nearest = (ArithmeticTolerance, plain.ColorOrder, "");
        foreach (string from in new[] { "unit", "raw", "tf", "imagenet" })
        {
            Preprocessing candidate = Known(plain, from);
            foreach (string to in new[] { "unit", "raw", "tf", "imagenet", "caffe-bgr", "half", "signed" })
            {
                if (to == from) continue;
                Preprocessing result = Known(plain, to);
                foreach (bool flipped in new[] { false, true })
                {
                    double distance = leading.Distance(candidate, result, flipped);
                    if (distance >= nearest.Distance) continue;
                    best = candidate;
                    nearest = (distance, flipped ? Flip(result.ColorOrder) : result.ColorOrder, IntervalOf(result).ToString());
                }
            }
        }

        if (best is not null)
        {
            return (best with { ColorOrder = nearest.Order }, $"from the graph, which turns {IntervalOf(best)} into {nearest.Becomes} itself");
        }

        Interval raw = leading.Apply(IntervalOf(Known(plain, "raw"))), unit = leading.Apply(IntervalOf(Known(plain, "unit")));
        bool takesRaw = IsTrainable(raw), takesUnit = IsTrainable(unit);
        if (takesRaw == takesUnit) return null;
        Preprocessing likely = Known(plain, takesRaw ? "raw" : "unit");
        return (likely, $"from the graph, which turns {IntervalOf(likely)} into {(takesRaw ? raw : unit)} itself");
    }

    /// <summary>Batch normalization of the input knows the mean and deviation of the images that it was trained on.</summary>
    private static (Preprocessing Preprocessing, string Source)? FromStatistics(Preprocessing plain, double mean, double std)
    {
        Preprocessing? best = null;
        double nearest = 1;
        foreach (string name in new[] { "unit", "raw", "tf", "imagenet" })
        {
            Preprocessing candidate = Known(plain, name);
            double photoMean = (PhotoMean - candidate.Mean.Second) / candidate.Std.Second, photoStd = PhotoStd / candidate.Std.Second;
            double distance = Math.Abs(Math.Log(std / photoStd)) + (Math.Abs(mean - photoMean) / photoStd);
            if (!(distance < nearest)) continue;
            nearest = distance;
            best = candidate;
        }

        return best is null
            ? null
            : (best, string.Create(
                CultureInfo.InvariantCulture, $"from the batch normalization of its input: mean {mean:0.###}, standard deviation {std:0.###}"));
    }

    private static Preprocessing? FromMetadata(Preprocessing plain, (ChannelValues Mean, ChannelValues Std)? metadata)
    {
        if (metadata is not var (mean, std)) return null;
        Preprocessing found = plain with { Mean = mean, Std = std };
        if (!Usable(found)) return null;

        // Deviations below 1 are meant for numbers from 0 to 1, as 0.229 is: bytes would become thousands.
        return std is { First: < 1, Second: < 1, Third: < 1 } && IntervalOf(found).Width > byte.MaxValue ? found with
        {
            Mean = Bytes(mean),
            Std = Bytes(std),
        } : found;

        static ChannelValues Bytes(ChannelValues v) => new(v.First * 255, v.Second * 255, v.Third * 255);
    }

    /// <summary>What the metadata says of the order of colors counts unless means for each channel have told it.</summary>
    private static ColorOrder OrderOf(Preprocessing found, InputClaims claims) =>
        found.ColorOrder == ColorOrder.Rgb && IsUniform(found) && claims.Order is ColorOrder.Bgr ? ColorOrder.Bgr : found.ColorOrder;

    private static (Preprocessing Preprocessing, double Distance) Nearest(Preprocessing plain, Interval interval)
    {
        Preprocessing best = plain;
        double nearest = double.PositiveInfinity;
        foreach (string name in plain.ColorOrder == ColorOrder.Gray
            ? ["unit", "tf", "raw", "half", "signed", "mnist"]
            : new[] { "unit", "tf", "raw", "imagenet", "half", "signed", "caffe-bgr" })
        {
            Preprocessing known = Known(plain, name);
            double distance = IntervalOf(known).Distance(interval);
            if (distance >= nearest) continue;
            nearest = distance;
            best = known;
        }

        return (best, nearest);
    }

    private static Preprocessing NearestEnd(Preprocessing plain, double end, Preprocessing? metadata)
    {
        if (metadata is not null && IntervalOf(metadata).High <= end * (1 + GridTolerance)) return metadata;
        return Known(plain, end > 16 ? "raw" : plain.ColorOrder != ColorOrder.Gray && end > 1.5 ? "imagenet" : "tf");
    }

    /// <summary>A normalization by name: the presets and a few that have none.</summary>
    private static Preprocessing Known(Preprocessing plain, string name)
    {
        if (name == "half") return plain with { Mean = new(127.5f), Std = new(255) };
        if (name == "signed") return plain with { Mean = new(128), Std = new(1) };
        if (name == "mnist") return plain with { Mean = new(33.3285f), Std = new(78.5655f) };
        Preprocessing preset = Preprocessing.Preset(name, plain.Width, plain.Height) with { CropMargin = plain.CropMargin };
        return plain.ColorOrder == ColorOrder.Gray ? preset with { ColorOrder = ColorOrder.Gray } : preset;
    }

    private static ColorOrder Flip(ColorOrder order) =>
        order switch
        {
            ColorOrder.Rgb =>
            ColorOrder.Bgr,
            ColorOrder.Bgr =>
            ColorOrder.Rgb,
            ColorOrder.Gray =>
            order,
            _ =>
            throw new UnreachableException($"Unknown {order}.")
        };

    private static bool IsTrainable(Interval interval) => interval.Width is >= LeastWidth and <= LargestWidth && interval.Low < LeastWidth && interval.High > 0;

    private static bool IsUniform(Preprocessing p) => p.Mean == new ChannelValues(p.Mean.First) && p.Std == new ChannelValues(p.Std.First);

    private static Interval IntervalOf(Preprocessing p)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        for (int c = 0; c < p.Channels; c++)
        {
            double a = (0 - p.Mean[c]) / p.Std[c], b = (255 - p.Mean[c]) / p.Std[c];
            low = Math.Min(low, Math.Min(a, b));
            high = Math.Max(high, Math.Max(a, b));
        }

        return new Interval(low, high);
    }

    private static bool Usable(Preprocessing preprocessing)
    {
        try
        {
            preprocessing.Check();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
