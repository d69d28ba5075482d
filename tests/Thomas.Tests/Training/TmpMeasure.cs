using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Quantizing;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TmpMeasure(ITestOutputHelper output)
{
    [Fact]
    public void Memory()
    {
        ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture);
        Model model = new(architecture!.Build(new ArchitectureOptions { Classes = 10, Height = 128, Width = 128, WidthMultiplier = 0.35f, Seed = 1 }), new ModelInfo { Name = "m", Preprocessing = Preprocessing.Preset("unit", 128, 128) });
        Model q = QuantizerTests.Quantized(model).Model;
        foreach ((Model m, Compression c) in ((Model, Compression)[])[(model, Compression.None), (model, Compression.Half), (q, Compression.None), (q, Compression.Int8)])
        {
            foreach (string policy in (string[])["all", "bias", "last:3"])
            {
                UpdatePolicy.TryParse(policy, out UpdatePolicy p);
                TrainingPlan plan = TrainingPlanner.Plan(m, new TrainingPlanOptions { Batch = 1, Policy = p, Compression = c, Optimizer = new OptimizerOptions { Momentum = 0 }, Compile = new CompileOptions { Threads = 1 } });
                output.WriteLine($"{(m == q ? "8-bit" : "float")} {c} {policy}: kept {plan.KeptBytes}, arena {plan.Memory.StepArena}, beyond weights {plan.Memory.Total - plan.Memory.Weights}, s {plan.Seconds()}: {string.Join(", ", plan.Parts().Where(x => x.Bytes > 0).Select(x => $"{x.Name} {x.Bytes}"))}");
                if (policy == "all" && c == Compression.Int8) output.WriteLine(plan.ToText());
            }
        }
    }

    [Fact]
    public void Speed()
    {
        ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture);
        Model model = new(architecture!.Build(new ArchitectureOptions { Classes = 10, Height = 224, Width = 224, Seed = 1 }), new ModelInfo { Name = "m", Preprocessing = Preprocessing.Preset("unit", 224, 224) });
        Model q = QuantizerTests.Quantized(model).Model;
        foreach (int batch in (int[])[1, 8])
        {
            foreach ((Model m, Compression c) in ((Model, Compression)[])[(q, Compression.None), (model, Compression.None), (q, Compression.Int8)])
            {
                TrainingPlan plan = TrainingPlanner.Plan(m, new TrainingPlanOptions { Batch = batch, Compression = c, Optimizer = new OptimizerOptions { Momentum = 0 }, Compile = new CompileOptions { Threads = 1 } });
                using VariableStore store = new(plan.Graph.Variables);
                using StepProgram program = new(plan, store);
                TrainingSteps.Run(program, 1, 1, 0.001f);
                double[] seconds = new double[program.Step.Kernels.Count];
                program.Begin(1, 0.001f);
                TrainingSteps.Fill(program, 0, batch);
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < 3; i++) program.RunTimed(seconds);
                double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds / 3;
                output.WriteLine($"batch {batch} {(m == q ? "8-bit" : "float")} {c}: {ms:F1} ms, kept {plan.KeptBytes}, arena {plan.Memory.StepArena}");
                Dictionary<string, double> kinds = [];
                for (int i = 0; i < seconds.Length; i++) kinds[program.Step.Kernels[i].Split("__")[0]] = kinds.GetValueOrDefault(program.Step.Kernels[i].Split("__")[0]) + (seconds[i] * 1000 / 3);
                foreach ((string k, double v) in kinds.OrderByDescending(x => x.Value).Take(14)) output.WriteLine($"   {v:F1} {k}");
            }
        }
    }
}
