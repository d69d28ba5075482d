using System.IO;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>A stock model taught photo by photo.</summary>
public sealed class SessionTests(ITestOutputHelper output)
{
    [Fact]
    public void A_stock_model_taught_photo_by_photo_recognizes_others_and_goes_on_in_another_format()
    {
        Model model = Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v2_1.0_224.onnx"));
        string photos = Assets.PathOf("datasets", "flowers5");
        string folder = Directory.CreateTempSubdirectory("thomas-session-").FullName;
        SkiaImageDecoder decoder = new();
        TuningSessionOptions options = new() { Compile = new CompileOptions { Threads = 1 } };
        try
        {
            double live;
            using (TuningSession session = TuningSession.Open(Path.Combine(folder, "session"), model, decoder, options))
            {
                foreach (string file in Photos(photos, "train")) session.Add(LabelOf(file), file);
                TuningSessionReport report = session.Train();
                live = Right(session, photos);
                output.WriteLine(
                    $"{report.After!.Accuracy:P1} ({report.Before!.Accuracy:P1} by the nearest centroid) of {report.Checked}; {live:P1} of the validation "
                    + $"photos, trained in {report.Duration.TotalMilliseconds:F0} ms");
                Assert.Empty(report.Warnings);
                Assert.True(live >= 0.83, $"{live:P1} of the validation photos");
                Assert.True(report.After.AccuracyInterval.Low <= live, $"the photos set aside promised {report.After.AccuracyInterval}, others gave {live:P1}");
                session.ToModel().Save(Path.Combine(folder, "taught.tflite"));
            }

            // Another file, another last layer, the same features up to rounding.
            Model saved = Model.Load(Path.Combine(folder, "taught.tflite"));
            using TuningSession again = TuningSession.Open(Path.Combine(folder, "session"), saved, decoder, options);
            Assert.False(again.IsStale);
            Assert.Equal(live, Right(again, photos), 0.02);

            Model other = Model.Load(Assets.PathOf("models", "onnx", "squeezenet1.1.onnx"));
            again.Dispose();
            Assert.Throws<DataException>(() => TuningSession.Open(Path.Combine(folder, "session"), other));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Photos(string folder, string part) => Directory.GetFiles(Path.Combine(folder, part), "*.jpg", SearchOption.AllDirectories);

    private static string LabelOf(string file) => Path.GetFileName(Path.GetDirectoryName(file)!);

    private static double Right(TuningSession session, string folder)
    {
        int right = 0;
        string[] files = Photos(folder, "val");
        foreach (string file in files) right += session.Classify(File.ReadAllBytes(file), top: 1)[0].Label == LabelOf(file) ? 1 : 0;
        return (double)right / files.Length;
    }
}
