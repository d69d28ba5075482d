using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>Small training runs on colored noise.</summary>
internal sealed class TrainerJob : IDisposable
{
    public static readonly string[] Classes = ["blue", "green", "red"];

    public TrainerJob(int perClass = 10, int validationPerClass = 4, Preprocessing? preprocessing = null, int views = 1)
    {
        Train = Prepare(TinyModels.Images(perClass, 1, Classes).ToDataset(), preprocessing, views);
        Validation = Prepare(TinyModels.Images(validationPerClass, 2, Classes).ToDataset(), null, 1);
    }

    public static TrainerOptions Options { get; } = new()
    {
        Epochs = 3,
        BatchSize = 8,
        LearningRate = 0.02f,
        Compile = new CompileOptions { Threads = 1 },
    };

    public PreparedSet Train { get; }

    public PreparedSet Validation { get; }

    public static Model Model(TinyModels.HeadStyle style = TinyModels.HeadStyle.DenseSoftmax, bool known = false) =>
        known ? TinyModels.Create(style, 3, Classes) : TinyModels.Create(style);

    public static PreparedSet Prepare(Dataset dataset, Preprocessing? preprocessing = null, int views = 1) =>
        PreparedSet.Create(dataset, new NoDecoder(), new PreparedSetOptions
        {
            Preprocessing = preprocessing ?? Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 },
            Views = views,
            Augmentation = new Augmentation { Flip = true },
            Threads = 1,
        });

    public TrainerResult Run(
        TrainerOptions? options = null,
        Model? model = null,
        bool validate = true,
        IProgress<EpochReport>? epochs = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default) =>
        Trainer.Train(model ?? Model(), Train, validate ? Validation : null, options ?? Options, epochs, progress, cancellation);

    /// <summary>Every weight of a model, bit for bit.</summary>
    public static int[] Bits(Model model)
    {
        List<int> bits = [];
        foreach (Value value in model.Graph.Values)
        {
            if (value.Constant is { Type.DType: DType.F32 } data) bits.AddRange(MemoryMarshal.Cast<float, int>(data.Floats));
        }

        return [.. bits];
    }

    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
    }
}
