using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>Sessions on a small network, with images that it can tell apart.</summary>
internal static class SessionJob
{
    public static readonly string[] Colors = ["red", "green", "blue"];

    public static TuningSessionOptions Options { get; } = new()
    {
        Compile = new CompileOptions { Threads = 1 },
        Head = TrainerOptions.LastLayer with { Epochs = 20 },
    };

    public static Model Model(TinyModels.HeadStyle style = TinyModels.HeadStyle.DenseSoftmax) => TinyModels.Create(style);

    public static TuningSession Open(TemporaryFolder folder, TuningSessionOptions? options = null, IImageDecoder? decoder = null) =>
        TuningSession.Open(folder["session"], Model(), decoder, options ?? Options);

    public static RgbImage Image(int color, Rng rng) => new(TinyModels.Side, TinyModels.Side, TinyModels.Image(color, rng));

    public static RgbImage Image(string label, ulong seed) => Image(Math.Max(0, Array.IndexOf(Colors, label)), new Rng(seed));

    /// <summary>Adds so many images of each of the first colors, in turn.</summary>
    public static void Fill(TuningSession session, int perClass, int classes = 3, ulong seed = 1)
    {
        Rng rng = new(seed);
        for (int i = 0; i < perClass; i++)
        {
            for (int c = 0; c < classes; c++) session.Add(Colors[c], Image(c, rng));
        }
    }

    public static string LogOf(TemporaryFolder folder) => folder["session", "images.log"];

    public static string ManifestOf(TemporaryFolder folder) => folder["session", "session.json"];

    public static string HeadOf(TemporaryFolder folder) => folder["session", "head.bin"];

    /// <summary>Id and label of each image.</summary>
    public static IReadOnlyList<(long Id, string Label)> Listed(TuningSession session) => [.. session.Items.Select(item => (item.Id, item.Label))];

    /// <summary>All weights and biases of the trained model's last layer.</summary>
    public static byte[] HeadBits(TuningSession session)
    {
        List<byte> bits = [];
        foreach (Value value in session.ToModel().Graph.Values.Where(
            value => value.Name.StartsWith("head.", StringComparison.Ordinal) && value.Constant is not null))
        {
            bits.AddRange(MemoryMarshal.AsBytes(value.Constant!.Floats).ToArray());
        }

        return [.. bits];
    }

    /// <summary>A copy of a closed session in another folder.</summary>
    public static void Copy(TemporaryFolder from, TemporaryFolder to)
    {
        Directory.CreateDirectory(to["session"]);
        foreach (string file in Directory.GetFiles(from["session"])) File.Copy(file, to["session", Path.GetFileName(file)], overwrite: true);
    }

    /// <summary>Decodes what is "color seed" in text.</summary>
    internal sealed class TextDecoder : IImageDecoder
    {
        public string Identity => "text";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
        {
            string[] words = System.Text.Encoding.UTF8.GetString(encoded.Span).Split(' ');
            return words.Length == 2 && ulong.TryParse(words[1], out ulong seed)
                ? Image(words[0], seed)
                : throw new ImageFormatException("this is no color and seed");
        }
    }
}
