using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>
/// Sums over rows and pixels that are cut into chunks, as on a device with many units or small groups: each way of cutting them is taken, and each is right.
/// </summary>
public sealed class OpenClChunkTests
{
    private const string Small = "tiles=local group=64 local=16KiB units=132";

    private static readonly BatchNormTrainingAttributes Plain = new(1e-3f), Clips = new(1e-3f, Activation.Clip(-0.4f, 0.9f));

    private static readonly Window2d Three = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), Five = new(5, 5, 2, 2, 1, 1, new Padding2d(1, 2, 2, 1));

    [Theory]
    [InlineData("tiles=local group=64 units=1", 7, 24, "one")]
    [InlineData("tiles=local group=64 units=1", 2100, 32, "chunks")]
    [InlineData("tiles=items units=1", 30, 48, "one")]
    [InlineData("tiles=items units=1", 200, 48, "chunks")]
    [InlineData("tiles=items units=2", 2100, 40, "chunks_join")]
    [InlineData(Small, 2100, 33, "chunks_join")]
    [InlineData(Small, 2100, 32, "chunks_join")]
    [InlineData("group=1 units=2", 300, 4, "chunks_join")]
    public void Batch_normalization_is_cut_as_planned(string settings, int rows, int channels, string name)
    {
        OpenClDevice device = Device(settings);
        Shape x = new(rows, channels), c = new(channels);
        foreach (OpCase test in TrainingCases.BatchNormsOf(x))
        {
            OpSweep.Check(test, device);
            OpSweep.CheckNaN(test, new() { OtherDevice = device, Threads = 1 });
            OpenClKernel kernel = KernelOf(test, device);
            if (test.Op is not BatchNormFromMoments) Assert.EndsWith($"_{name}__opencl", kernel.Name);
        }
    }

    [Theory]
    [InlineData("units=1")]
    [InlineData(Small)]
    [InlineData("group=1 units=2")]
    public void A_mean_far_from_zero_costs_the_variance_no_digits(string settings)
    {
        OpenClDevice device = Device(settings);
        foreach (int channels in (int[])[3, 32])
        {
            foreach (OpCase test in TrainingCases.BatchNormsOf(new Shape(2500, channels)).Where(test => test.Op is BatchNormTraining))
                OpSweep.Check(test with { Prepare = operands => Shift(operands[0], 1000) }, device);
        }
    }

    [Theory]
    [InlineData("units=1")]
    [InlineData(Small)]
    [InlineData("tiles=registers units=8")]
    [InlineData("group=1 units=2")]
    public void Depthwise_gradients_are_right_however_they_are_cut(string settings)
    {
        OpenClDevice device = Device(settings);
        bool several = false;
        (Window2d Window, Shape X)[] cases =
        [
            (Three, new Shape(3, 29, 21, 8)), (Three with { StrideH = 2, StrideW = 2 }, new Shape(1, 13, 60, 5)), (Five, new Shape(3, 29, 21, 8)),
            (Five with { StrideH = 1, StrideW = 1 }, new Shape(1, 13, 60, 6)),
        ];
        foreach ((Window2d window, Shape x) in cases)
        {
            foreach (OpCase test in OpCases.Gradients(x, x[3], window, groups: 0))
            {
                OpSweep.Check(test, device);
                OpSweep.CheckNaN(test, new() { OtherDevice = device, Threads = 1 });
                several |= KernelOf(test, device).Launches.Count > 1;
            }
        }

        Assert.True(several);
    }

    [Fact]
    public void All_cases_of_normalization_and_depthwise_convolution_have_kernels()
    {
        OpenClDevice device = Device("");
        Op[] ops =
        [
            OpCatalog.BatchNorm, OpCatalog.BatchNormTraining, OpCatalog.BatchNormTrainingGradient, OpCatalog.BatchNormFromMoments, OpCatalog.DepthwiseConv2d,
            OpCatalog.DepthwiseConv2dInputGradient, OpCatalog.DepthwiseConv2dFilterGradient, OpCatalog.DepthwiseConv2dGradient,
            OpCatalog.DepthwiseConv2dMoments, OpCatalog.Conv2dMoments,
        ];
        HashSet<Op> seen = [];
        foreach (OpCase test in OpCases.All().Where(test => ops.Contains(test.Op)))
        {
            // Steps are read on the CPU alone.
            Node node = NodeOf(test);
            if (node.Inputs.Any(static input => input.Type.DType is DType.I8 or DType.U8)) continue;
            Assert.IsType<OpenClKernel>(node.Op.CreateOpenClKernel(node, new OpenClKernelContext(device.Limits, static _ => false)));
            seen.Add(test.Op);
        }

        Assert.Equal(ops.Length, seen.Count);
    }

    private static OpenClDevice Device(string settings)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        return OpenClDevice.Open(int.Parse(device.Name["opencl:".Length..], System.Globalization.CultureInfo.InvariantCulture), OpenClSettings.Parse(settings));
    }

    private static void Shift(float[] values, float distance)
    {
        for (int i = 0; i < values.Length; i++) values[i] += distance;
    }

    /// <summary>The kernel of a case, whose programs the compiler has taken.</summary>
    private static OpenClKernel KernelOf(OpCase test, OpenClDevice device)
    {
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(NodeOf(test)));
        Assert.True(device.IsReady(kernel), string.Join('\n', device.Programs.Problems));
        return kernel;
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }
}
