using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Passes;

public sealed class PassTests
{
    private static void Same(float[] expected, float[] actual, float tolerance = 2e-5f)
    {
        Assert.Equal(expected.Length, actual.Length);
        float scale = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Expect.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"element {i}: {expected[i]} against {actual[i]}");
    }

    private static int Count<TOp>(Graph graph) => graph.Nodes.Count(node => node.Op is TOp);

    [Fact]
    public void Transposes_of_an_nchw_export_vanish_but_for_the_flatten()
    {
        Graph graph = TestGraphs.NchwBlock();
        Graph result = EliminateTransposes.Run(graph);
        GraphVerifier.Verify(result);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(result, TestGraphs.Oracle), 0);
        Assert.Equal(1, Count<Transpose>(result));
    }

    [Fact]
    public void Import_and_compile_passes_keep_the_results_and_shrink_the_graph()
    {
        Graph graph = TestGraphs.NchwBlock();
        Graph result = CompilePasses.Run(ImportPasses.Run(graph));
        GraphVerifier.Verify(result);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(result, TestGraphs.Oracle));
        Assert.Equal(0, Count<BatchNorm>(result));
        Assert.Equal(0, Count<Activate>(result));
        Assert.Equal(0, Count<Add>(result));
    }

    [Theory]
    [InlineData("eliminate-dead-nodes")]
    [InlineData("fold-constants")]
    [InlineData("fuse-pad")]
    [InlineData("fold-batch-norm")]
    [InlineData("fuse-epilogue")]
    [InlineData("fuse-bias-gradient")]
    [InlineData("fuse-depthwise-gradients")]
    [InlineData("fuse-inverted-residual")]
    public void Each_pass_can_be_switched_off(string pass)
    {
        Graph graph = ImportPasses.Run(TestGraphs.NchwBlock());
        Assert.Contains(CompilePasses.All, p => p.Name == pass);
        Same(TestGraphs.Run(graph), TestGraphs.Run(graph, new CompileOptions { PassesOff = [pass] }));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Rebatching_computes_each_image_alone(int batch)
    {
        Graph graph = ImportPasses.Run(TestGraphs.NchwBlock());
        using Executable one = Executable.Compile(graph);
        using Executable many = Executable.Compile(graph, batch);
        int pixels = one.Input().Length;
        float[] noise = TestGraphs.Noise(pixels * batch, 3);
        noise.CopyTo(many.Input());
        many.Run();
        for (int i = 0; i < batch; i++)
        {
            noise.AsSpan(i * pixels, pixels).CopyTo(one.Input());
            one.Run();
            for (int output = 0; output < 2; output++)
            {
                int length = one.Output(output).Length;
                Same(one.Output(output).ToArray(), many.Output(output).Slice(i * length, length).ToArray(), 1e-5f);
            }
        }
    }

    [Fact]
    public void A_transpose_that_moves_the_batch_axis_holds_for_other_batches()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 5, 1, 3)));
        Value moved = b.Add(OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(1, 2, 0, 3)));
        Graph graph = b.Build(b.Add(OpCatalog.Activate, [moved], new ActivateAttributes(Activation.Relu)));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle, 3), TestGraphs.Run(ImportPasses.Run(graph), null, 3), 0);
    }

    [Fact]
    public void A_division_by_zero_is_not_folded_into_weights_of_zero()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        Value zeros = b.Constant("zeros", TensorData.FromFloats(new Shape(2, 4), new float[8]));
        Value ones = b.Constant("ones", TensorData.FromFloats(new Shape(2), [1, 1]));
        Value y = b.Add(OpCatalog.Dense, [x, zeros, ones], new DenseAttributes(HasBias: true));
        Graph graph = b.Build(b.Add(OpCatalog.Divide, [y, b.Constant("divisors", TensorData.FromFloats(new Shape(2), [0, 2]))]));
        Assert.Equal([float.PositiveInfinity, 0.5f], TestGraphs.Run(graph));
    }

    [Fact]
    public void Large_weights_fold_and_results_larger_than_their_operands_do_not()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 2)));
        Value large = b.Constant("large", TensorData.FromFloats(new Shape(2, 1 << 20), new float[1 << 21]));
        Value weights = b.Add(OpCatalog.Transpose, [large], new TransposeAttributes(new IntList(1, 0)));
        Value dense = b.Add(OpCatalog.Dense, [x, weights], new DenseAttributes());
        Value padded = b.Add(OpCatalog.Pad, [b.Weights("small", 1, 1, 4)], new PadAttributes(new IntList(0, 0), new IntList(0, 1 << 22)));
        Graph folded = FoldConstants.Run(b.Build(dense, padded));
        Assert.Equal(0, Count<Transpose>(folded));
        Assert.Equal(1, Count<Pad>(folded));
    }

    [Fact]
    public void Constants_fold_through_arithmetic_and_shape()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 6)));
        Value w = b.Add(OpCatalog.Multiply, [b.Weights("a", 1, 3, 4), b.Weights("c", 2, 4)]);
        Value reshaped = b.Add(OpCatalog.Reshape, [w], new ReshapeAttributes(new IntList(2, 6)));
        Graph graph = b.Build(b.Add(OpCatalog.Dense, [x, reshaped], new DenseAttributes()));
        Graph folded = FoldConstants.Run(graph);
        Assert.Single(folded.Nodes);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(folded, TestGraphs.Oracle), 0);
    }

    [Fact]
    public void Padding_moves_into_the_convolution()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 5, 6, 2)));
        Value pad = b.Add(OpCatalog.Pad, [x], new PadAttributes(new IntList(0, 1, 2, 0), new IntList(0, 0, 1, 0)));
        Graph graph = b.Build(b.Add(OpCatalog.Conv2d, [pad, b.Weights("w", 1, 4, 3, 2, 2)], new Conv2dAttributes(new Window2d(3, 2))));
        Graph fused = FusePad.Run(graph);
        Assert.Single(fused.Nodes);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused, TestGraphs.Oracle), 0);
    }

    [Theory]
    [InlineData(1, 3, 5, 7)]
    [InlineData(3, 20, 21, 40)]
    [InlineData(2, 1, 1, 600)]
    public void A_bias_gradient_is_summed_with_the_activation_s_to_the_same_bits(params int[] dims)
    {
        GraphBuilder b = new();
        TensorType type = new(DType.F32, new Shape(dims));
        Value dx = b.Add(OpCatalog.ActivateGradient, [b.Input("dy", type), b.Input("y", type)], new ActivateAttributes(Activation.Clip(-0.5f, 0.25f)));
        Value bias = b.Add(OpCatalog.Reduce, [dx], new ReduceAttributes(ReduceKind.Sum, new IntList(0, 1, 2), KeepDims: false));
        Value others = b.Add(OpCatalog.Reduce, [dx], new ReduceAttributes(ReduceKind.Sum, new IntList(1, 2, 3), KeepDims: false));
        Graph graph = b.Build(dx, bias, others);
        Graph fused = FuseBiasGradient.Run(graph);
        GraphVerifier.Verify(fused);
        Assert.Equal(2, fused.Nodes.Count);
        Assert.Equal(1, Count<ActivateBiasGradient>(fused));
        Assert.Equal(TestGraphs.Run(graph, new CompileOptions { PassesOff = ["fuse-bias-gradient"] }), TestGraphs.Run(graph));
    }

    /// <summary>Both with dx over the input's memory and, where something else reads the input afterwards, without.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    public void The_gradients_of_a_depthwise_convolution_are_made_in_one_pass(int stride, bool isReadAgain)
    {
        (GraphBuilder b, Value x, Value dx, Value dw) = DepthwiseGradients(stride);
        Conv2dGradientAttributes again = new(new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), 6, 8, 20);
        Graph graph = isReadAgain
            ? b.Build(dw, b.Add(OpCatalog.Add, [dx, x]), b.Add(OpCatalog.DepthwiseConv2dFilterGradient, [x, dx], again))
            : b.Build(dw, dx);
        Graph fused = FuseDepthwiseGradients.Run(graph);
        GraphVerifier.Verify(fused);
        Assert.Equal(1, Count<DepthwiseConv2dGradient>(fused));
        Assert.Equal(isReadAgain ? 1 : 0, Count<DepthwiseConv2dFilterGradient>(fused));
        Assert.Equal(0, Count<DepthwiseConv2dInputGradient>(fused));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(graph));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused, TestGraphs.Oracle));
    }

    /// <summary>
    /// With the sums for the bias and without; not where the clipped gradient is not the only reader, or is of something else than the convolution's input.
    /// </summary>
    [Theory]
    [InlineData(true, true, false, 1)]
    [InlineData(true, false, false, 1)]
    [InlineData(true, true, true, 2)]
    [InlineData(false, true, false, 2)]
    public void A_clipping_before_a_depthwise_convolution_is_undone_in_the_same_pass(bool ofInput, bool hasBias, bool isReadAgain, int nodes)
    {
        (GraphBuilder b, Value x, Value dx, Value dw) = DepthwiseGradients(1);
        Value saved = ofInput ? x : b.Input("other", x.Type), before = b.Add(OpCatalog.ActivateGradient, [dx, saved], new ActivateAttributes(Activation.Relu));
        Value bias = hasBias ? b.Add(OpCatalog.Reduce, [before], new ReduceAttributes(ReduceKind.Sum, new IntList(0, 1, 2), KeepDims: false)) : dw;
        Graph graph = isReadAgain ? b.Build(dw, before, bias, dx) : b.Build(dw, before, bias);
        Graph fused = FuseDepthwiseGradients.Run(FuseBiasGradient.Run(graph));
        GraphVerifier.Verify(fused);
        Assert.Equal(1 + nodes, fused.Nodes.Count);
        Assert.Equal(1, Count<DepthwiseConv2dGradient>(fused));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(graph));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused, TestGraphs.Oracle));
    }

    /// <summary>The gradients of a depthwise convolution of the result of a ReLU.</summary>
    private static (GraphBuilder Builder, Value X, Value Dx, Value Dw) DepthwiseGradients(int stride)
    {
        GraphBuilder b = new();
        Window2d window = new(3, 3, stride, stride, 1, 1, new Padding2d(1, 1, 1, 1));
        Shape shape = new(2, 6, 8, 20), small = new(2, window.OutputH(6), window.OutputW(8), 20);
        Value x = b.Add(OpCatalog.Activate, [b.Input("x", new TensorType(DType.F32, shape))], new ActivateAttributes(Activation.Relu));
        Value dy = b.Input("dy", new TensorType(DType.F32, small));
        Conv2dGradientAttributes attributes = new(window, 6, 8, 20);
        Value dw = b.Add(OpCatalog.DepthwiseConv2dFilterGradient, [x, dy], attributes);
        Value dx = b.Add(OpCatalog.DepthwiseConv2dInputGradient, [dy, b.Weights("w", 5, 1, 3, 3, 20)], attributes);
        return (b, x, dx, dw);
    }

    [Fact]
    public void A_value_used_twice_or_handed_out_is_not_fused_away()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 4, 2)));
        Value conv = b.Add(OpCatalog.Conv2d, [x, b.Weights("w", 1, 2, 1, 1, 2)], new Conv2dAttributes(new Window2d(1, 1)));
        Value act = b.Add(OpCatalog.Activate, [conv], new ActivateAttributes(Activation.Relu));
        Value sum = b.Add(OpCatalog.Add, [act, conv]);
        Graph graph = b.Build(sum, conv);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(graph));
    }

    [Fact]
    public void Batch_norm_with_tiny_variance_folds_to_the_same_result()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 4, 3)));
        Value conv = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("w", 1, 3, 3, 3, 3), b.Weights("cb", 9, 3)], new Conv2dAttributes(new Window2d(3, 3), HasBias: true));
        Value variance = b.Constant("v", TensorData.FromFloats(new Shape(3), [2e-6f, 1, 0]));
        Value norm = b.Add(
            OpCatalog.BatchNorm, [conv, b.Weights("g", 2, 3), b.Weights("s", 3, 3), b.Weights("m", 4, 3), variance], new BatchNormAttributes(1e-5f));
        Graph graph = b.Build(norm);
        Graph folded = FoldBatchNorm.Run(graph);
        Assert.Single(folded.Nodes);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(folded, TestGraphs.Oracle), 1e-5f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_norm_in_training_takes_over_the_clipping_after_it_unless_its_own_result_is_wanted(bool wanted)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 5, 4, 19))), dy = b.Input("dy", x.Type);
        Value scale = b.Positive("g", 2, 19), shift = b.Weights("s", 3, 19);
        Node norm = b.AddNode(OpCatalog.BatchNormTraining, [x, scale, shift], new BatchNormTrainingAttributes(1e-3f), "norm");
        Value y = b.Add(OpCatalog.Activate, [norm.Outputs[0]], new ActivateAttributes(Activation.Relu));
        Value mask = b.Add(OpCatalog.ActivateGradient, [dy, y], new ActivateAttributes(Activation.Relu));
        Node gradient = b.AddNode(OpCatalog.BatchNormTrainingGradient, [x, mask, scale, norm.Outputs[1], norm.Outputs[2]], norm.Attributes, "gradient");
        Graph graph = wanted ? b.Build([y, .. gradient.Outputs, norm.Outputs[0]]) : b.Build([y, .. gradient.Outputs, norm.Outputs[1]]);
        Graph fused = FuseBatchNormActivation.Run(graph);
        Assert.Equal(wanted ? 4 : 2, fused.Nodes.Count);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused, TestGraphs.Oracle), 1e-6f);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Convolutions_sum_the_moments_of_what_batch_norm_in_training_reads(bool depthwise)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 9, 7, 19))), scale = b.Positive("g", 2, 19), shift = b.Weights("s", 3, 19);
        Value conv = depthwise
            ? b.Add(OpCatalog.DepthwiseConv2d, [x, b.Weights("w", 1, 1, 3, 3, 19)], new DepthwiseConv2dAttributes(new Window2d(3, 3)))
            : b.Add(OpCatalog.Conv2d, [x, b.Weights("w", 1, 19, 3, 3, 19)], new Conv2dAttributes(new Window2d(3, 3)));
        Node norm = b.AddNode(OpCatalog.BatchNormTraining, [conv, scale, shift], new BatchNormTrainingAttributes(1e-3f, Activation.Relu), "norm");
        Value other = b.Add(OpCatalog.Conv2d, [x, b.Weights("v", 4, 3, 1, 1, 19)], new Conv2dAttributes(new Window2d(1, 1)));
        Node second = b.AddNode(OpCatalog.BatchNormTraining, [norm.Outputs[0], shift, scale], new BatchNormTrainingAttributes(1e-3f), "second");
        Graph graph = b.Build([.. norm.Outputs, conv, other, .. second.Outputs]);
        Assert.Equal(0, Count<BatchNormFromMoments>(FuseBatchNormMoments.Run(graph, conv.Type.SizeBytes + 1)));
        Graph fused = FuseBatchNormMoments.Run(graph, conv.Type.SizeBytes);
        GraphVerifier.Verify(fused);
        Assert.Equal(4, fused.Nodes.Count);
        Assert.Equal(1, Count<BatchNormFromMoments>(fused));
        Assert.Equal(1, Count<BatchNormTraining>(fused));
        Assert.Equal(1, Count<Conv2d>(fused));
        Assert.Equal(1, depthwise ? Count<DepthwiseConv2dMoments>(fused) : Count<Conv2dMoments>(fused));
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused, TestGraphs.Oracle), 1e-6f);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused));
    }

    [Theory]
    [InlineData(true, 1e-3f)]
    [InlineData(false, 2e-3f)]
    public void A_mask_is_not_taken_over_by_the_gradient_of_another_normalization(bool otherScale, float epsilon)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(2, 5, 4, 19))), dy = b.Input("dy", x.Type);
        Value scale = b.Positive("g", 2, 19), other = b.Positive("h", 4, 19), shift = b.Weights("s", 3, 19);
        Node norm = b.AddNode(OpCatalog.BatchNormTraining, [x, scale, shift], new BatchNormTrainingAttributes(1e-3f), "norm");
        Value y = b.Add(OpCatalog.Activate, [norm.Outputs[0]], new ActivateAttributes(Activation.Relu));
        Value mask = b.Add(OpCatalog.ActivateGradient, [dy, y], new ActivateAttributes(Activation.Relu));
        Value[] operands = [x, mask, otherScale ? other : scale, norm.Outputs[1], norm.Outputs[2]];
        Node gradient = b.AddNode(OpCatalog.BatchNormTrainingGradient, operands, new BatchNormTrainingAttributes(epsilon), "gradient");
        Graph graph = b.Build([y, .. gradient.Outputs]), fused = FuseBatchNormActivation.Run(graph);
        Assert.Equal(3, fused.Nodes.Count);
        Same(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(fused));
    }
}
