using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Imaging;
using Xunit;

namespace Thomas.Tests.Imaging;

/// <summary>JPEG files of every kind that is read, beside Skia's libjpeg-turbo, and refusals.</summary>
public sealed class JpegRowsTests
{
    private static readonly ManagedImageDecoder Decoder = new();
    private static readonly SkiaImageDecoder Skia = new();

    private static readonly Dictionary<string, (int H, int V)[]> Samplings = new()
    {
        ["gray"] = [(1, 1)],
        ["gray 2x2"] = [(2, 2)],
        ["4:4:4"] = [(1, 1), (1, 1), (1, 1)],
        ["4:2:2"] = [(2, 1), (1, 1), (1, 1)],
        ["4:4:0"] = [(1, 2), (1, 1), (1, 1)],
        ["4:2:0"] = [(2, 2), (1, 1), (1, 1)],
        ["4:1:1"] = [(4, 1), (1, 1), (1, 1)],
        ["mixed"] = [(2, 2), (2, 1), (1, 2)],
        ["luma last"] = [(1, 1), (1, 1), (2, 2)],
    };

    public static TheoryData<string> SamplingNames() => [.. Samplings.Keys];

    [Theory]
    [MemberData(nameof(SamplingNames))]
    public void Every_sampling_gives_the_pixels_of_Skia(string name)
    {
        foreach ((int width, int height) in ((int, int)[])[(64, 48), (61, 45), (33, 17), (16, 16), (9, 70), (5, 3), (2, 2), (1, 1)])
        {
            foreach (bool isHeld in (bool[])[false, true])
            {
                JpegMaker maker = new() { Width = width, Height = height, Sampling = Samplings[name], Scans = isHeld ? Single(name) : null };
                AssertSame(maker.Make((ulong)(width + height)), $"{width}x{height}, scan for each channel: {isHeld}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(SamplingNames))]
    public void Every_way_of_coding_gives_the_pixels_of_Skia(string name)
    {
        foreach (bool hasLongCodes in (bool[])[false, true])
        {
            foreach (int restart in (int[])[0, 1, 3, 100])
            {
                foreach ((int[], int, int, int, int)[]? scans in new[] { null, Single(name), Spectral(name), Successive(name) })
                {
                    JpegMaker maker = new()
                    {
                        Width = 75,
                        Height = 41,
                        Sampling = Samplings[name],
                        RestartInterval = restart,
                        HasLongCodes = hasLongCodes,
                        IsProgressive = scans is not null && scans[0].Item3 == 0,
                        Scans = scans,
                    };
                    AssertSame(maker.Make((ulong)restart + 1), $"long codes {hasLongCodes}, restarts {restart}, {scans?.Length ?? 1} scans");
                }
            }
        }
    }

    [Fact]
    public void What_the_channels_are_is_known_as_Skia_knows_it()
    {
        (int H, int V)[] three = Samplings["4:4:4"], four = [(1, 1), (1, 1), (1, 1), (1, 1)];
        foreach (JpegMaker maker in (JpegMaker[])
            [
                new() { Width = 20, Height = 20, Sampling = three, HasJfif = true, Ids = [82, 71, 66] },
                new() { Width = 20, Height = 20, Sampling = three, AdobeTransform = 0 },
                new() { Width = 20, Height = 20, Sampling = three, AdobeTransform = 1 },
                new() { Width = 20, Height = 20, Sampling = three, AdobeTransform = 0, HasJfif = true },
                new() { Width = 20, Height = 20, Sampling = three, Ids = [82, 71, 66] },
                new() { Width = 20, Height = 20, Sampling = three, Ids = [0, 1, 2] },
                new() { Width = 20, Height = 20, Sampling = four },
                new() { Width = 20, Height = 20, Sampling = four, AdobeTransform = 0 },
                new() { Width = 20, Height = 20, Sampling = four, AdobeTransform = 2 },
                new() { Width = 20, Height = 20, Sampling = [(2, 2), (1, 1), (1, 1), (2, 2)], AdobeTransform = 2 },
            ])
        {
            AssertSame(maker.Make(3), $"{maker.Sampling.Length} channels, Adobe {maker.AdobeTransform}, JFIF {maker.HasJfif}, {maker.Ids[0]}");
        }
    }

    [Fact]
    public void Cut_off_files_of_several_scans_are_refused()
    {
        JpegMaker whole = Progressive(), endless = Progressive(hasNoEnd: true);
        byte[] file = whole.Make(1);
        for (int length = 4; length < file.Length - 2; length += 13)
        {
            Assert.Throws<ImageFormatException>(() => Decoder.Decode(file.AsMemory(0, length)));
        }

        Assert.Throws<ImageFormatException>(() => Decoder.Decode(endless.Make(1)));

        static JpegMaker Progressive(bool hasNoEnd = false) => new()
        {
            Width = 40,
            Height = 30,
            Sampling = Samplings["4:2:0"],
            IsProgressive = true,
            Scans = Successive("4:2:0"),
            HasNoEnd = hasNoEnd,
        };
    }

    [Theory]
    [InlineData(0xC3, "it is compressed without loss")]
    [InlineData(0xC9, "its compression is of a rare kind")]
    public void Rare_kinds_are_named(byte frame, string expected)
    {
        byte[] file = new JpegMaker { Width = 8, Height = 8, Sampling = [(1, 1)] }.Make(1);
        file[file.AsSpan().IndexOf([(byte)0xFF, (byte)0xC0]) + 1] = frame;
        Assert.Contains(expected, Assert.Throws<ImageFormatException>(() => Decoder.Decode(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_scans_are_refused()
    {
        // Each scan takes a few bytes of the file and goes over the whole image.
        (int[], int, int, int, int)[] scans = new (int[], int, int, int, int)[300];
        Array.Fill(scans, ([0], 1, 63, 0, 0));
        scans[0] = ([0], 0, 0, 0, 0);
        byte[] file = new JpegMaker { Width = 8, Height = 8, Sampling = [(1, 1)], IsProgressive = true, Scans = scans }.Make(1);
        Assert.Throws<ImageFormatException>(() => Decoder.Decode(file));
        file = new JpegMaker { Width = 8, Height = 8, Sampling = [(1, 1)], IsProgressive = true, Scans = scans[..200] }.Make(1);
        Assert.Equal(8, Decoder.Decode(file).Width);
    }

    private static int[] Channels(string name)
    {
        int[] channels = new int[Samplings[name].Length];
        for (int c = 0; c < channels.Length; c++) channels[c] = c;
        return channels;
    }

    private static (int[], int, int, int, int)[] Single(string name) => Array.ConvertAll(Channels(name), static c => ((int[])[c], 0, 63, 0, 0));

    private static (int[], int, int, int, int)[] Spectral(string name)
    {
        List<(int[], int, int, int, int)> scans = [(Channels(name), 0, 0, 0, 0)];
        foreach (int c in Channels(name)) scans.AddRange([([c], 1, 5, 0, 0), ([c], 6, 63, 0, 0)]);
        return [.. scans];
    }

    // As libjpeg's own script: first the upper bits, then one more at a time.
    private static (int[], int, int, int, int)[] Successive(string name)
    {
        List<(int[], int, int, int, int)> scans = [(Channels(name), 0, 0, 0, 1)];
        foreach (int c in Channels(name)) scans.AddRange([([c], 1, 5, 0, 2), ([c], 6, 63, 0, 2), ([c], 1, 63, 2, 1)]);
        scans.Add((Channels(name), 0, 0, 1, 0));
        foreach (int c in Channels(name)) scans.Add(([c], 1, 63, 1, 0));
        return [.. scans];
    }

    private static void AssertSame(byte[] jpeg, string what)
    {
        RgbImage expected = Skia.Decode(jpeg), actual = Decoder.Decode(jpeg);
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        for (int i = 0; i < expected.Pixels.Length; i++)
        {
            if (expected.Pixels[i] == actual.Pixels[i]) continue;
            Assert.Fail($"{what}: channel {i % 3} of pixel {i / 3 % expected.Width}, {i / 3 / expected.Width} is {actual.Pixels[i]}, not {expected.Pixels[i]}");
        }
    }
}
