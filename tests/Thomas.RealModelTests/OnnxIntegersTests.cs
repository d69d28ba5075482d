using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Ops;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Quantizing;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>8-bit networks in QDQ form beside ONNX Runtime with its default settings.</summary>
public sealed class OnnxIntegersTests(ITestOutputHelper output)
{
    private const int Images = 40;

    public static TheoryData<string> Kinds { get; } = [.. SmallNetworks.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Quantized_networks_give_the_steps_of_onnx_runtime(string kind)
    {
        Model quantized = Quantizer.Quantize(
            SmallNetworks.Build(kind), IntegerKindsTests.NoiseImages(), new ManagedImageDecoder(),
            new QuantizerOptions { Compile = new CompileOptions { Threads = 1 } }).Model;
        byte[] written = Ort.Export(quantized);
        Model model = ModelFiles.Load(written, $"{kind}.onnx");
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        using Ort optimized = new(written), plain = new(written, optimized: false);
        Node last = model.Graph.Outputs[0].Producer!;
        while (last.Op is not FakeQuantize) last = last.Inputs[0].Producer!;
        float step = ((FakeQuantizeAttributes)last.Attributes).Quantization.Scales[0];
        int differ = 0, differPlain = 0, all = 0;
        foreach (Node node in executable.Graph.Nodes) output.WriteLine($"{node.Op.Name} {node.Inputs[0].Type}");
        for (int i = 0; i < Images; i++)
        {
            float[] noise = TestGraphs.Noise(SmallNetworks.Side * SmallNetworks.Side * 3, (uint)i), image = Array.ConvertAll(noise, static x => (x + 1) / 2);
            image.CopyTo(executable.Input());
            executable.Run();
            float[] nchw = OnnxSweep.ToNchw(image, model.Graph.Inputs[0].Shape), ours = executable.Output().ToArray();
            float[] theirs = optimized.Run(nchw)[0], unoptimized = plain.Run(nchw)[0];
            for (int k = 0; k < ours.Length; k++)
            {
                differ += MathF.Abs(ours[k] - theirs[k]) > step / 2 ? 1 : 0;
                differPlain += MathF.Abs(ours[k] - unoptimized[k]) > step / 2 ? 1 : 0;
                all++;
            }
        }

        output.WriteLine($"{kind}: {differ} of {all} steps differ, {differPlain} without its optimizer");
        Assert.Equal(0, differ);
    }
}
