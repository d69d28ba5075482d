using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Convolutions by Winograd's algorithm against their definition, with the bound of direct sums.</summary>
public sealed class OpenClWinogradTests
{
    // Odd and even sides, every padding, windows of one and more parts, channels with and without vectors; the last is computed in slices.
    public static TheoryData<int, int, int, int, int, int, int, int> Shapes => new()
    {
        { 2, 7, 6, 5, 3, 3, 3, 1 }, { 3, 8, 5, 8, 12, 3, 3, 0 }, { 1, 3, 3, 4, 1, 3, 3, 2 }, { 2, 2, 3, 20, 9, 3, 3, 1 }, { 3, 13, 13, 24, 40, 3, 3, 1 },
        { 2, 9, 10, 8, 12, 5, 5, 2 }, { 3, 8, 11, 5, 7, 4, 7, 1 }, { 1, 6, 7, 12, 8, 2, 5, 0 }, { 2, 7, 7, 4, 4, 6, 3, 2 }, { 2, 29, 29, 4, 1200, 3, 3, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Convolutions_and_gradients_agree_with_their_definition(
        int batch, int h, int w, int inputs, int outputs, int kernelH, int kernelW, int pad)
    {
        foreach (string settings in (string[])["tiles=local buffer=80MiB", "tiles=registers", "tiles=items separate scalar"])
        {
            OpenClDevice device = Device($"winograd=on {settings}");
            foreach (OpCase test in Cases(batch, h, w, inputs, outputs, Window(kernelH, kernelW, pad)))
            {
                OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(NodeOf(test)));
                Assert.Contains("_winograd", kernel.Name, StringComparison.Ordinal);
                OpSweep.Check(test, device);
            }

            Assert.Empty(device.Programs.Problems);
        }
    }

    [Fact]
    public void It_is_taken_where_it_saves_more_than_it_moves()
    {
        OpenClDevice device = Device("tiles=local");
        Window2d three = Window(3, 3, 1);
        Assert.Equal(4, Taken(device, Cases(64, 13, 13, 192, 384, three)));
        Assert.Equal(4, Taken(device, Cases(64, 27, 27, 64, 192, Window(5, 5, 2))));
        Assert.Equal(0, Taken(device, Cases(64, 55, 55, 16, 64, three)));
        Assert.Equal(0, Taken(device, Cases(1, 224, 224, 512, 512, three)));
        Assert.Equal(0, Taken(Device("tiles=registers"), Cases(64, 13, 13, 192, 384, three)));
        Assert.Equal(0, Taken(Device("tiles=local winograd=off"), Cases(64, 13, 13, 192, 384, three)));
        Window2d strided = three with { StrideH = 2 }, wide = three with { DilationH = 2, DilationW = 2 };
        foreach (Window2d window in (Window2d[])[strided, wide])
            Assert.Equal(0, Taken(Device("winograd=on"), [new OpCase(OpCatalog.Conv2d, new Conv2dAttributes(window), [new(2, 9, 9, 8), new(8, 3, 3, 8)])]));
    }

    /// <summary>How many of the cases are computed so.</summary>
    private static int Taken(OpenClDevice device, IEnumerable<OpCase> cases)
    {
        OpenClKernelContext context = new(device.Limits, static _ => false);
        return cases.Count(test => test.Op.CreateOpenClKernel(NodeOf(test), context)!.Name.Contains("winograd", StringComparison.Ordinal));
    }

    private static IEnumerable<OpCase> Cases(int batch, int h, int w, int inputs, int outputs, Window2d window)
    {
        Shape x = new(batch, h, w, inputs), filter = new(outputs, window.KernelH, window.KernelW, inputs);
        Shape y = new(batch, window.OutputH(h), window.OutputW(w), outputs);
        yield return new OpCase(OpCatalog.Conv2d, new Conv2dAttributes(window), [x, filter]);
        yield return new OpCase(
            OpCatalog.Conv2d, new Conv2dAttributes(window, HasBias: true, Activation: Activation.Relu6, HasResidual: true), [x, filter, new Shape(outputs), y]);
        Conv2dGradientAttributes gradient = new(window, h, w, 1);
        yield return new OpCase(OpCatalog.Conv2dInputGradient, gradient, [y, filter]);
        yield return new OpCase(OpCatalog.Conv2dFilterGradient, gradient, [x, y]);
    }

    private static Window2d Window(int kernelH, int kernelW, int pad) => new(kernelH, kernelW, 1, 1, 1, 1, new Padding2d(pad, pad, pad, pad));

    private static OpenClDevice Device(string settings)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        return OpenClDevice.Open(int.Parse(device.Name["opencl:".Length..], CultureInfo.InvariantCulture), OpenClSettings.Parse(settings));
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }
}
