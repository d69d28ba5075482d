using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Training;

namespace Thomas.App;

/// <summary>Tries all programs that the networks of the catalog need on an OpenCL device, be it for inference or for training.</summary>
internal static class OpenClCheck
{
    private const int Batch = 8, Classes = 10;

    // The others consist of the same layers.
    private static readonly string[] Networks = ["lenet5", "resnet20", "squeezenet", "mobilenet-v2", "mobilenet-v3-large"];

    /// <summary>Folder of the built programs and verdicts.</summary>
    /// <param name="cache">The cache folder.</param>
    public static string FolderOf(string cache) => Path.Combine(cache, "opencl");

    /// <summary>What is recorded of a device, as it is used by default.</summary>
    public static IReadOnlyList<OpenClVerdict> Recorded(OpenClDeviceInfo info, string cache)
    {
        OpenClSettings settings = OpenClSettings.Of(new CompileOptions());
        return new OpenClVerdicts(FolderOf(cache), info, settings).All();
    }

    /// <summary>Tries all programs anew and records what comes out.</summary>
    /// <param name="number">The device's number.</param>
    /// <param name="cache">The cache folder.</param>
    /// <param name="networks">Names of networks; null for those that use everything.</param>
    /// <param name="cancellation">Ends it before the next network.</param>
    /// <exception cref="ThomasException">The device cannot be opened.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static IReadOnlyList<OpenClVerdict> Run(int number, string cache, IReadOnlyList<string>? networks, CancellationToken cancellation)
    {
        CompileOptions options = new() { Device = DeviceKind.OpenCl, DeviceNumber = number, DeviceCache = FolderOf(cache) };
        OpenClDevice device = OpenClDevice.Open(options);
        if (device.SelfTest is not OpenClSelfTest test) throw new ThomasException($"The self-test is switched off by {OpenClSettings.Variable}.");
        test.Forget();
        foreach (string name in networks ?? Networks)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!ArchitectureCatalog.TryFind(name, out Architecture? architecture))
            {
                throw new ArgumentException($"There is no network '{name}'.", nameof(networks));
            }

            Compile(architecture, options);
        }

        return test.Verdicts;
    }

    /// <summary>Compiles a network for inference and for each way to train it. Nothing runs but the tests.</summary>
    private static void Compile(Architecture architecture, CompileOptions options)
    {
        Model model = new(architecture.Build(new ArchitectureOptions { Classes = Classes }), new ModelInfo { Name = architecture.Name });
        foreach (int batch in (int[])[1, Batch]) CompiledGraph.Create(Rebatch.Run(model.Graph, batch), options);
        foreach (OptimizerOptions optimizer in (OptimizerOptions[])[
            new() { Kind = OptimizerKind.AdamW, AverageDecay = 0.9f }, new() { Kind = OptimizerKind.Sgd, ClipNorm = 1 }])
        {
            foreach (BatchNormMode mode in Enum.GetValues<BatchNormMode>())
            {
                Trainee trainee = Trainee.Create(model, new UpdatePolicy(UpdateKind.All), mode);
                TrainingGraph graph = TrainingGraph.Build(trainee, new TrainingGraphOptions(Batch, optimizer, Dropout: 0.2f));
                CompiledGraph.Create(graph.Step, options);
                if (graph.Apply is not null) CompiledGraph.Create(graph.Apply, options);
            }
        }
    }
}
