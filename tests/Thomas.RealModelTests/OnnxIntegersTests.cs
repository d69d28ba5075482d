using System;
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

    // Means of four numbers lie halfway between two steps once in four times, where ONNX Runtime's float32 falls either way. Its sigmoid, tanh and products of
    // 8-bit tensors have approximations of their own.
    [Theory]
    [InlineData("mobile", 0)]
    [InlineData("excite", 0)]
    [InlineData("fire", 0)]
    [InlineData("unusual", 0)]
    [InlineData("residual", 12)]
    [InlineData("gates", 24)]
    public void Quantized_networks_give_the_steps_of_onnx_runtime(string kind, int most)
    {
        Model quantized = Quantizer.Quantize(
            SmallNetworks.Build(kind), IntegerKindsTests.NoiseImages(), new ManagedImageDecoder(),
            new QuantizerOptions { Compile = new CompileOptions { Threads = 1 } }).Model;
        byte[] written = Ort.Export(quantized);
        Model model = ModelFiles.Load(written, $"{kind}.onnx");
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        using Ort optimized = new(written);
        Node last = model.Graph.Outputs[0].Producer!;
        while (last.Op is not FakeQuantize) last = last.Inputs[0].Producer!;
        float step = ((FakeQuantizeAttributes)last.Attributes).Quantization.Scales[0];
        int differ = 0, all = 0;
        for (int i = 0; i < Images; i++)
        {
            float[] noise = TestGraphs.Noise(SmallNetworks.Side * SmallNetworks.Side * 3, (uint)i), image = Array.ConvertAll(noise, static x => (x + 1) / 2);
            image.CopyTo(executable.Input());
            executable.Run();
            float[] nchw = OnnxSweep.ToNchw(image, model.Graph.Inputs[0].Shape), ours = executable.Output().ToArray();
            float[] theirs = optimized.Run(nchw)[0];
            for (int k = 0; k < ours.Length; k++)
            {
                float distance = MathF.Abs(ours[k] - theirs[k]) / step;
                Assert.True(distance < 1.5f, $"{kind}, image {i}: class {k} is {distance} steps away");
                differ += distance > 0.5f ? 1 : 0;
                all++;
            }
        }

        output.WriteLine($"{kind}: {differ} of {all} scores differ by a step");
        Assert.InRange(differ, 0, most);
    }
}
