using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>
/// A float network and what <c>convert --int8</c> makes of it: accuracy on images of its own classes, in Thomas from both files and in ONNX Runtime; and how
/// far both agree on other images of the places that calibrated.
/// </summary>
internal static class QuantizeBenchmark
{
    private const int Images = 64;

    public static int Run(ReadOnlySpan<string> args)
    {
        string modelPath = args[0];
        string? sample = null, words = null, save = null;
        List<string> places = [];
        bool usesPeer = false;
        for (int i = 1; i < args.Length; i++)
        {
            if (args[i] == "--calibration") places.Add(args[++i]);
            else if (args[i] == "--sample") sample = args[++i];
            else if (args[i] == "--settings") words = args[++i];
            else if (args[i] == "--save") save = args[++i];
            else if (args[i] == "--onnxruntime") usesPeer = true;
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Model.Load(modelPath);
        using Pictures? labeled = sample is null ? null : Pictures.Stock(model, sample);
        using Pictures others = Pictures.Others(model, places);
        float[][] expected = labeled?.Scores(model) ?? [], expectedOthers = others.Scores(model);
        if (labeled is not null) Console.WriteLine($"float: {labeled.Right(expected)} of {labeled.Count}");
        foreach (string setting in (words ?? "default").Split(','))
        {
            Stopwatch watch = Stopwatch.StartNew();
            QuantizedModel result = Quantizer.Quantize(
                model, CalibrationImages.Load(places, Images), ImageDecoders.Best(), Options(setting));
            double seconds = watch.Elapsed.TotalSeconds;
            Model lite = Again(result.Model, ModelFormat.TfLite, save);
            string line = $"{setting}: {seconds:F1} s";
            if (labeled is not null) line += $"; sample {labeled.Text(expected, labeled.Scores(lite))}";
            Console.WriteLine(line + $"; others {others.Text(expectedOthers, others.Scores(lite))}");
            if (!usesPeer || labeled is null) continue;
            string path = Path.Combine(Path.GetTempPath(), $"thomas-quantize-{Environment.ProcessId}.onnx");
            try
            {
                result.Model.Save(path);
                Model onnx = Model.Load(path);
                float[][] ours = labeled.Scores(onnx), theirs = labeled.PeerScores(path, onnx);
                int same = Same(ours, theirs);
                Console.WriteLine(
                    $"  .onnx: Thomas {labeled.Right(ours)}, {OnnxPeer.Name} {labeled.Right(theirs)} of {labeled.Count}; the same for {same}");
            }
            finally
            {
                File.Delete(path);
            }
        }

        return 0;
    }

    /// <summary>Settings as words: min-max, plain, ...</summary>
    private static QuantizerOptions Options(string words)
    {
        QuantizerOptions options = new();
        foreach (string word in words.Split('+'))
        {
            options = word switch
            {
                "min-max" => options with { Range = CalibrationRange.MinMax },
                "percentile" => options with { Range = CalibrationRange.Percentile },
                "unequal" => options with { Equalize = false },
                "uncorrected" => options with { CorrectBiases = false },
                "least-error" => options with { Range = CalibrationRange.LeastError },
                "nearest" => options with { FitWeights = false },
                "default" => options,
                _ => throw new ArgumentException($"unknown setting {word}"),
            };
        }

        return options;
    }

    private static Model Again(Model model, ModelFormat format, string? save)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        if (save is not null) File.WriteAllBytes(save, stream.ToArray());
        stream.Position = 0;
        return Model.Load(stream, $"again.{format}");
    }

    private static int Best(float[] scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++) best = scores[i] > scores[best] ? i : best;
        return best;
    }

    private static int Same(float[][] a, float[][] b)
    {
        int same = 0;
        for (int i = 0; i < a.Length; i++) same += Best(a[i]) == Best(b[i]) ? 1 : 0;
        return same;
    }

    /// <summary>Prepared images, with the class of each where it is known.</summary>
    private sealed class Pictures : IDisposable
    {
        private const int PerClass = 5, Classes = 1000, OtherImages = 300;

        private readonly PreparedSet _set;
        private readonly int[] _labels;

        private Pictures(Model model, Dataset images, int[] labels)
        {
            _set = PreparedSet.Create(
                images, ImageDecoders.Best(), new PreparedSetOptions { Preprocessing = ImageInput.Of(model).Preprocessing, MayLoseClasses = true });
            _labels = labels;
        }

        public int Count => _set.Count;

        /// <summary>One image for every fifth class of ImageNet, by names in the order of classes.</summary>
        public static Pictures Stock(Model model, string folder)
        {
            string[] files = Directory.GetFiles(folder, "*.JPEG", SearchOption.AllDirectories);
            Array.Sort(files, (a, b) => string.CompareOrdinal(Path.GetFileName(a), Path.GetFileName(b)));
            int[] labels = new int[files.Length];
            for (int i = 0; i < labels.Length; i++) labels[i] = (i * PerClass) + model.Graph.Outputs[0].Shape[-1] - Classes;
            return new Pictures(model, Of(files), labels);
        }

        /// <summary>Images of the places that calibration does not take.</summary>
        public static Pictures Others(Model model, List<string> places)
        {
            HashSet<string> taken = [];
            foreach (Sample one in CalibrationImages.Load(places, Images).Samples) taken.Add(one.Image.Name);
            List<Sample> others = [];
            foreach (Sample one in CalibrationImages.Load(places, OtherImages + Images).Samples)
            {
                if (!taken.Contains(one.Image.Name)) others.Add(one);
            }

            return new Pictures(model, new Dataset("others", ["images"], others), []);
        }

        public float[][] Scores(Model model)
        {
            using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions());
            float[][] scores = new float[_set.Count][];
            float[] input = new float[_set.InputLength];
            for (int i = 0; i < scores.Length; i++)
            {
                _set.Fill([i], 0, input);
                input.CopyTo(executable.Input());
                executable.Run();
                scores[i] = executable.Output().ToArray();
            }

            return scores;
        }

        public float[][] PeerScores(string path, Model model)
        {
            using OnnxPeer peer = new(path, model, 1);
            float[][] scores = new float[_set.Count][];
            float[] input = new float[_set.InputLength];
            for (int i = 0; i < scores.Length; i++)
            {
                _set.Fill([i], 0, input);
                peer.Feed(input);
                peer.Run();
                scores[i] = peer.Output.ToArray();
            }

            return scores;
        }

        public int Right(float[][] scores)
        {
            int right = 0;
            for (int i = 0; i < _labels.Length; i++) right += Best(scores[i]) == _labels[i] ? 1 : 0;
            return right;
        }

        public string Text(float[][] expected, float[][] actual)
        {
            double signal = 0, noise = 0;
            for (int i = 0; i < expected.Length; i++)
            {
                for (int k = 0; k < expected[i].Length; k++)
                {
                    double difference = (double)actual[i][k] - expected[i][k];
                    signal += (double)expected[i][k] * expected[i][k];
                    noise += difference * difference;
                }
            }

            string right = _labels.Length > 0 ? $"{Right(actual)} right, " : "";
            return string.Create(
                CultureInfo.InvariantCulture, $"{right}{Same(expected, actual)} of {Count} as float, {10 * Math.Log10(signal / noise):F2} dB");
        }

        public void Dispose() => _set.Dispose();

        private static Dataset Of(string[] files)
        {
            List<Sample> samples = [];
            foreach (string file in files) samples.Add(new Sample(ImageSource.FromFile(file), 0, Subset.Unassigned));
            return new Dataset("images", ["images"], samples);
        }
    }
}
