using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Data;

namespace Thomas.Study;

/// <summary>Decoding the images of a data set, and preparing them for a model, on one thread: time of an image.</summary>
internal sealed class DataUnit(StudyPlan plan, string experiment, string data, string model)
    : StudyUnit(experiment, $"data/{experiment}/{data}/{model}")
{
    // As many images as are looked at, spread over the set.
    private const int MostImages = 48;

    private static readonly StudyDevice Host = new("cpu", 1, StudyExperiment.Float, "");

    /// <inheritdoc/>
    public override int Visits => plan.Visits;

    /// <inheritdoc/>
    public override StudyEntry Run(int visit, StudyContext context, CancellationToken cancellation)
    {
        Dataset images = context.Sources.Data(data);
        ImageInput input = ImageInput.Of(context.Sources.Model(model, cancellation));
        Preprocessor preprocessor = new(input.Preprocessing);
        byte[] crop = new byte[preprocessor.CropBytes];
        float[] values = new float[preprocessor.InputLength];
        List<TimingSample> decode = [], prepare = [];
        double budget = context.Plan.SecondsEach / Visits, spent = 0;
        int count = Math.Min(MostImages, images.Samples.Count), broken = 0;
        bool isEncoded = false;
        for (int i = -1; i < count && (spent < budget || decode.Count == 0); i++)
        {
            cancellation.ThrowIfCancellationRequested();
            ImageSource source = images.Samples[(int)((long)Math.Max(i, 0) * images.Samples.Count / count)].Image;
            double rate = context.Peak.GigaflopsPerSecond(1);
            try
            {
                ImageContent content = source.Read();
                isEncoded = content.Pixels is null;
                long start = Stopwatch.GetTimestamp();
                RgbImage image = content.Pixels ?? context.Sources.Decoder.Decode(content.Bytes, preprocessor.MinimumShortSide);
                double decoded = Stopwatch.GetElapsedTime(start).TotalSeconds;
                start = Stopwatch.GetTimestamp();
                preprocessor.Crop(image, crop);
                preprocessor.Normalize(crop, values);
                double prepared = Stopwatch.GetElapsedTime(start).TotalSeconds;
                if (i < 0) continue; // the first is to warm up
                spent += decoded + prepared;
                decode.Add(new TimingSample(decoded, rate, visit));
                prepare.Add(new TimingSample(prepared, rate, visit));
            }
            catch (DataException)
            {
                broken++;
            }
        }

        if (decode.Count == 0) throw new ThomasException($"None of the {broken} images could be read.");
        List<TimingCell> cells = [Cell(TimingCell.Prepare, prepare)];
        List<AbsentCell> absent = [];
        if (isEncoded) cells.Insert(0, Cell(TimingCell.Decode, decode));
        else absent.Add(new AbsentCell(Experiment, IdOf(TimingCell.Decode), "The images are pixels already."));
        return new StudyEntry { Unit = Key, Visit = visit, Timings = cells, Absent = absent };
    }

    private TimingCell Cell(string stage, List<TimingSample> samples) => new()
    {
        Id = IdOf(stage),
        Experiment = Experiment,
        Stage = stage,
        Model = model,
        Policy = "",
        Data = data,
        Device = Host.Name,
        Threads = Host.Threads,
        Batch = 1,
        Type = Host.Type,
        Switches = Host.Switches,
        Samples = samples,
        Summary = SampleStatistics.Summarize(samples),
    };

    private string IdOf(string stage) => CellId.Of(Experiment, stage, model, data, 1, Host);
}
